namespace Distributed.Credit;

/// <summary>At which level the difference between the sampling policy and pi_old is corrected (option <c>rollout_is</c>).</summary>
public enum RolloutIs
{
    /// <summary><c>null</c>: not at all.</summary>
    None,

    /// <summary><c>token</c>: each token by its own ratio (truncated importance sampling).</summary>
    Token,

    /// <summary><c>sequence</c>: every token by the product of the sequence's ratios.</summary>
    Sequence,

    /// <summary><c>geometric</c>: every token by the geometric mean of the sequence's ratios (what fw-ai/cookbook calls its sequence
    /// level).</summary>
    Geometric,
}

/// <summary>Options of the correction.</summary>
/// <param name="RolloutIs">The level.</param>
/// <param name="RolloutIsThreshold">Weights are truncated to this; above 0.</param>
/// <param name="RolloutIsBatchNormalize">Divide the weights by their mean over the batch (over tokens, or over sequences).</param>
/// <param name="RolloutIsIcepop">Weights outside [1 / this, this] become 0 instead of being truncated (IcePop); null: off. Above 1.</param>
public sealed record RolloutCorrectionOptions(
    RolloutIs RolloutIs = RolloutIs.None, double RolloutIsThreshold = 2, bool RolloutIsBatchNormalize = false, double? RolloutIsIcepop = null);

/// <summary>log p of a sequence's targets under two policies, nats, of one length.</summary>
/// <param name="Old">Under pi_old, the policy the ratio of the loss is taken against.</param>
/// <param name="Rollout">Under pi_rollout, as recorded while sampling.</param>
public readonly record struct PolicyPair(ReadOnlyMemory<double> Old, ReadOnlyMemory<double> Rollout)
{
    /// <summary>From log-probabilities in single precision.</summary>
    /// <param name="old">Under pi_old.</param>
    /// <param name="rollout">Under pi_rollout.</param>
    public static PolicyPair Of(ReadOnlySpan<float> old, ReadOnlySpan<float> rollout) => new(Widen(old), Widen(rollout));

    private static double[] Widen(ReadOnlySpan<float> values)
    {
        var wide = new double[values.Length];
        for (var i = 0; i < wide.Length; i++) wide[i] = values[i];
        return wide;
    }
}

/// <summary>Weights for <see cref="LossSequence.RolloutIsWeights"/> and how far apart the two policies are.</summary>
/// <param name="Weights">Per sequence, per target; null if <c>rollout_is</c> is off.</param>
/// <param name="Metrics">The distance.</param>
public sealed record RolloutCorrected(IReadOnlyList<ReadOnlyMemory<double>>? Weights, OffPolicyMetrics Metrics);

/// <summary>
/// Importance weights pi_old / pi_rollout, truncated from above, for the difference between the policy that sampled and the one the loss
/// compares with
/// (verl's rollout_correction).
/// </summary>
public static class RolloutCorrection
{
    private const double LogRatioBound = 20;

    /// <summary>Weights and metrics of a batch.</summary>
    /// <param name="options">Options.</param>
    /// <param name="batch">The batch's sequences; one without targets is allowed.</param>
    /// <exception cref="CreditException">Lists of different lengths, a log-probability that is not finite, or an option out of
    /// range.</exception>
    public static RolloutCorrected Correct(RolloutCorrectionOptions options, IReadOnlyList<PolicyPair> batch)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(batch);
        OptionRange.Above("rollout_correction", "rollout_is_threshold", options.RolloutIsThreshold, 0);
        if (options.RolloutIsIcepop is { } bound) OptionRange.Above("rollout_correction", "rollout_is_icepop", bound, 1);
        for (var s = 0; s < batch.Count; s++) Validate(batch[s], s);
        var raw = new double[batch.Count][];
        for (var s = 0; s < raw.Length; s++)
            raw[s] = options.RolloutIs is RolloutIs.Sequence or RolloutIs.Geometric ? SequenceRatios(batch[s], options.RolloutIs) : TokenRatios(batch[s]);
        if (options.RolloutIs == RolloutIs.None) return new RolloutCorrected(null, OffPolicyMetrics.Of(batch, null, options));
        var metrics = OffPolicyMetrics.Of(batch, raw, options);
        foreach (var row in raw)
        {
            for (var i = 0; i < row.Length; i++)
            {
                var outside = options.RolloutIsIcepop is { } most && (row[i] > most || row[i] < 1 / most);
                row[i] = outside ? 0 : Math.Min(row[i], options.RolloutIsThreshold);
            }
        }

        if (options.RolloutIsBatchNormalize) DivideByMean(raw, options.RolloutIs);
        return new RolloutCorrected([.. raw.Select(row => new ReadOnlyMemory<double>(row))], metrics);
    }

    private static double[] TokenRatios(PolicyPair pair)
    {
        var ratios = new double[pair.Old.Length];
        for (var i = 0; i < ratios.Length; i++)
            ratios[i] = Math.Exp(Math.Clamp(pair.Old.Span[i] - pair.Rollout.Span[i], -LogRatioBound, LogRatioBound));
        return ratios;
    }

    private static double[] SequenceRatios(PolicyPair pair, RolloutIs level)
    {
        double sum = 0;
        for (var i = 0; i < pair.Old.Length; i++)
        {
            var logRatio = pair.Old.Span[i] - pair.Rollout.Span[i];
            sum += level == RolloutIs.Geometric ? Math.Clamp(logRatio, -LogRatioBound, LogRatioBound) / pair.Old.Length : logRatio;
        }

        var ratios = new double[pair.Old.Length];
        Array.Fill(ratios, Math.Exp(Math.Clamp(sum, -LogRatioBound, LogRatioBound)));
        return ratios;
    }

    private static void DivideByMean(double[][] weights, RolloutIs level)
    {
        double sum = 0;
        long count = 0;
        foreach (var row in weights)
        {
            if (row.Length == 0) continue;
            sum += level == RolloutIs.Token ? row.Sum() : row[0];
            count += level == RolloutIs.Token ? row.Length : 1;
        }

        // A mean that small would only blow up noise; verl leaves such weights alone too.
        if (count == 0 || sum / count <= 1e-8) return;
        var mean = sum / count;
        foreach (var row in weights)
        {
            for (var i = 0; i < row.Length; i++) row[i] /= mean;
        }
    }

    private static void Validate(PolicyPair pair, int index)
    {
        if (pair.Old.Length != pair.Rollout.Length)
            throw new CreditException($"sequence {index} has {pair.Rollout.Length} rollout log-probabilities for {pair.Old.Length} old ones; give one of each per target");
        for (var i = 0; i < pair.Old.Length; i++)
        {
            if (!double.IsFinite(pair.Old.Span[i]) || !double.IsFinite(pair.Rollout.Span[i]))
                throw new CreditException($"sequence {index}, target {i}: a log-probability is not finite; leave the sequence out");
        }
    }
}
