using System.Buffers;

namespace Distributed.Credit;

/// <summary>
/// The training loss of a batch of sequences as a function of their targets' log-probabilities, with its gradient. To be minimised.
/// </summary>
/// <remarks>
/// Safe to call for different sequences from several threads: a call reads shared constants and writes only its own sequence's statistics.
/// <see cref="Statistics"/> adds those up in the order of the sequences, so it does not depend on the order of the calls.
/// </remarks>
public sealed class PolicyLoss
{
    internal const double LogRatioBound = 20;

    // verl leaves the ratios of clip_cov, kl_cov and gmpo unbounded; this keeps them finite.
    internal const double FreeLogRatioBound = 50;
    private const double LogSpanRatioMost = 10;

    private readonly PolicyLossOptions _options;
    private readonly LossSequence[] _sequences;
    private readonly int[]?[] _kept;
    private readonly int[] _targets;
    private readonly double[] _weights;
    private readonly LossTally[] _tallies;
    private readonly bool[][]? _chosen;

    /// <summary>The loss of these sequences.</summary>
    /// <param name="options">Options of the loss.</param>
    /// <param name="sequences">The batch, or one part of it.</param>
    /// <param name="batchTokens">Trained tokens of the whole batch if this is a part of it; null: this is the whole.</param>
    /// <param name="batchSequences">Sequences with trained tokens of the whole batch if this is a part of it.</param>
    /// <param name="selectionLogProbs">What <c>clip_cov</c> and <c>kl_cov</c> choose tokens by: log p of each sequence's kept targets; null: under
    /// pi_old.</param>
    /// <param name="selectionSeed">Decides which of too many candidates <c>clip_cov</c> leaves out.</param>
    /// <exception cref="CreditException">An option is out of range, or a sequence's lists differ in length or hold a number that is not
    /// finite.</exception>
    public PolicyLoss(
        PolicyLossOptions options, IReadOnlyList<LossSequence> sequences, long? batchTokens = null, long? batchSequences = null,
        IReadOnlyList<ReadOnlyMemory<double>>? selectionLogProbs = null, ulong selectionSeed = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(sequences);
        options.Validate();
        for (var s = 0; s < sequences.Count; s++) sequences[s].Validate(s, options);
        _options = options;
        _targets = [.. sequences.Select(sequence => sequence.Length)];
        _kept = [.. sequences.Select(sequence => sequence.KeptPlaces())];
        _sequences = [.. sequences.Select((sequence, s) => _kept[s] is { } places ? sequence.At(places) : sequence)];
        int[] lengths = [.. _sequences.Select(sequence => sequence.Length)];
        _weights = LossAggregation.Weights(
            lengths, options.EffectiveLossAggMode, options.LossScaleFactor, options.MeanEpsilon, batchTokens, batchSequences);
        _tallies = new LossTally[sequences.Count];
        if (options.PolicyLoss is PolicyLossKind.ClipCov or PolicyLossKind.KlCov)
            _chosen = CovarianceSelection.Of(options, _sequences, selectionLogProbs ?? [.. _sequences.Select(sequence => sequence.OldLogProbs)], selectionSeed);
    }

    /// <summary>A sequence's part of the total loss, and d total / d log p of its targets.</summary>
    /// <param name="sequence">Index of the sequence.</param>
    /// <param name="logProbs">log p of each target under the policy being trained.</param>
    /// <param name="gradient">Out: the gradient, same length.</param>
    public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
    {
        var length = logProbs.Length;
        var buffer = ArrayPool<double>.Shared.Rent(2 * length);
        try
        {
            var wide = buffer.AsSpan(0, length);
            var wideGradient = buffer.AsSpan(length, length);
            for (var i = 0; i < length; i++) wide[i] = logProbs[i];
            var loss = Evaluate(sequence, wide, wideGradient);
            for (var i = 0; i < length; i++) gradient[i] = (float)wideGradient[i];
            return loss;
        }
        finally
        {
            ArrayPool<double>.Shared.Return(buffer);
        }
    }

    /// <summary>As the other overload, in double precision.</summary>
    /// <param name="sequence">Index of the sequence.</param>
    /// <param name="logProbs">log p of each target under the policy being trained.</param>
    /// <param name="gradient">Out: the gradient, same length.</param>
    public double Evaluate(int sequence, ReadOnlySpan<double> logProbs, Span<double> gradient)
    {
        if (logProbs.Length != _targets[sequence] || gradient.Length != _targets[sequence])
            throw new ArgumentException($"sequence {sequence} has {_targets[sequence]} targets, got {logProbs.Length} log-probabilities and room for {gradient.Length} gradients", nameof(logProbs));
        if (_kept[sequence] is not { } places) return EvaluateKept(sequence, logProbs, gradient);

        var kept = new double[places.Length];
        var keptGradient = new double[places.Length];
        for (var k = 0; k < places.Length; k++) kept[k] = logProbs[places[k]];
        var loss = EvaluateKept(sequence, kept, keptGradient);
        gradient.Clear();
        for (var k = 0; k < places.Length; k++) gradient[places[k]] = keptGradient[k];
        return loss;
    }

    /// <summary>What happened in the latest evaluation of each sequence.</summary>
    public LossStatistics Statistics()
    {
        var total = new LossTally();
        foreach (var tally in _tallies) total.Add(tally);
        return total.ToStatistics();
    }

    private double EvaluateKept(int sequence, ReadOnlySpan<double> logProbs, Span<double> gradient)
    {
        var constants = _sequences[sequence];
        var tally = new LossTally { Tokens = logProbs.Length };
        var sum = _options.PolicyLoss == PolicyLossKind.Gmpo
            ? GeometricMeanLoss.Evaluate(constants, logProbs, gradient, _options, ref tally)
            : SumOfTokens(sequence, logProbs, gradient, ref tally);
        if (_options.KlCoef > 0) sum += AddKl(constants.ReferenceLogProbs.Span, logProbs, gradient, ref tally);
        for (var i = 0; i < gradient.Length; i++) gradient[i] *= _weights[sequence];
        _tallies[sequence] = tally;
        return sum * _weights[sequence];
    }

    private double SumOfTokens(int sequence, ReadOnlySpan<double> logProbs, Span<double> gradient, ref LossTally tally)
    {
        var constants = _sequences[sequence];
        var old = constants.OldLogProbs.Span;
        var advantages = constants.Advantages.Span;
        var weights = constants.RolloutIsWeights.Span;
        var scales = _options.PolicyLoss == PolicyLossKind.Turn ? constants.ClipScales.Span : default;
        var sum = 0.0;
        var index = 0;
        while (index < logProbs.Length)
        {
            var span = _options.PolicyLoss switch
            {
                PolicyLossKind.Gspo => logProbs.Length,
                PolicyLossKind.Turn => TurnEnd(constants.TurnIds.Span, index) - index,
                _ => 1,
            };
            var ratio = Ratio(logProbs.Slice(index, span), old.Slice(index, span));
            for (var i = index; i < index + span; i++)
            {
                var logRatio = logProbs[i] - old[i];
                var chosen = _chosen is { } c && c[sequence][i];
                var (loss, derivative) = _options.PolicyLoss switch
                {
                    PolicyLossKind.Cispo => ClippedSurrogate.Cispo(ratio.Value, advantages[i], logProbs[i], _options, ref tally),
                    PolicyLossKind.Sapo => TokenSurrogates.Sapo(ratio, advantages[i], _options),
                    PolicyLossKind.Reinforce => TokenSurrogates.Reinforce(advantages[i], logProbs[i]),
                    PolicyLossKind.KlCov => TokenSurrogates.KlCov(ratio, logRatio, advantages[i], chosen, _options),
                    PolicyLossKind.ClipCov when chosen => (0, 0),
                    _ => ClippedSurrogate.Ratio(ratio, advantages[i], scales.IsEmpty ? 1 : scales[i], _options, ref tally),
                };
                var weight = weights.IsEmpty ? 1 : weights[i];
                sum += loss * weight;
                gradient[i] = derivative * weight;
                tally.LogRatioSum += Math.Clamp(logRatio, -LogRatioBound, LogRatioBound);
            }

            tally.Add(ratio.Value, span);
            index += span;
        }

        return sum;
    }

    /// <summary>exp of the mean log-ratio of a span, bounded as verl bounds it: +-20 for tokens, at most 10 for turns and
    /// sequences, not for clip_cov and kl_cov.</summary>
    private SpanRatio Ratio(ReadOnlySpan<double> logProbs, ReadOnlySpan<double> old)
    {
        double sum = 0;
        for (var i = 0; i < logProbs.Length; i++) sum += logProbs[i] - old[i];
        var mean = sum / logProbs.Length;
        var bounded = _options.PolicyLoss switch
        {
            PolicyLossKind.Turn or PolicyLossKind.Gspo => Math.Min(mean, LogSpanRatioMost),
            PolicyLossKind.ClipCov or PolicyLossKind.KlCov => Math.Clamp(mean, -FreeLogRatioBound, FreeLogRatioBound),
            _ => Math.Clamp(mean, -LogRatioBound, LogRatioBound),
        };
        return new SpanRatio(Math.Exp(bounded), logProbs.Length, Bounded: bounded != mean);
    }

    private double AddKl(ReadOnlySpan<double> reference, ReadOnlySpan<double> logProbs, Span<double> gradient, ref LossTally tally)
    {
        double sum = 0;
        for (var i = 0; i < logProbs.Length; i++)
        {
            var (value, derivative) = KlPenalty.Of(_options.KlEstimator, logProbs[i], reference[i]);
            sum += value;
            gradient[i] += _options.KlCoef * derivative;
        }

        tally.KlSum += sum;
        return _options.KlCoef * sum;
    }

    private static int TurnEnd(ReadOnlySpan<int> turnIds, int start)
    {
        var end = start + 1;
        while (end < turnIds.Length && turnIds[end] == turnIds[start]) end++;
        return end;
    }
}
