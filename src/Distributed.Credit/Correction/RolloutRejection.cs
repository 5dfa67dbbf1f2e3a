using System.Globalization;

namespace Distributed.Credit;

/// <summary>Over what a rejection statistic is taken.</summary>
public enum RejectionSpan
{
    /// <summary>Each token by itself; the token is rejected.</summary>
    Token,

    /// <summary>Sum over the sequence; the whole sequence is rejected.</summary>
    SeqSum,

    /// <summary>Mean over the sequence; the whole sequence is rejected.</summary>
    SeqMean,

    /// <summary>Largest of the sequence; the whole sequence is rejected.</summary>
    SeqMax,
}

/// <summary>One rule of <c>rollout_rs</c>: reject where a distance between pi_old and pi_rollout leaves its range.</summary>
/// <param name="Span">Over what the distance is taken.</param>
/// <param name="Estimator">The distance of a token, with d = log pi_old - log pi_rollout: k1 -d, k2 d^2/2, k3 exp(d) - 1 - d.</param>
/// <param name="Low">Least ratio pi_rollout / pi_old allowed; only with k1.</param>
/// <param name="High">Largest ratio pi_rollout / pi_old allowed with k1; largest distance allowed with k2 and k3.</param>
public sealed record RejectionRule(RejectionSpan Span, KlEstimator Estimator, double Low, double High)
{
    /// <summary>Reads verl's two options: names such as <c>token_k1,seq_mean_k3</c> and as many thresholds, such as <c>0.6_1.6,0.1</c>. A
    /// single number x with k1 means 1/x_x.</summary>
    /// <exception cref="CreditException">An unknown name, a threshold that is no positive number or range, or not one threshold per
    /// rule.</exception>
    public static IReadOnlyList<RejectionRule> Parse(string? rules, string? thresholds)
    {
        if (string.IsNullOrWhiteSpace(rules) || rules == "null") return [];
        string[] names = rules.Split(',', StringSplitOptions.TrimEntries);
        string[] limits = (thresholds ?? "").Split(',', StringSplitOptions.TrimEntries);
        if (limits.Length != names.Length)
            throw new CreditException($"rollout_rs has {names.Length} rules but rollout_rs_threshold has {limits.Length} values; give one each, separated by commas");
        return [.. names.Select((name, i) => One(name, limits[i]))];
    }

    private static RejectionRule One(string name, string threshold)
    {
        var cut = name.LastIndexOf('_');
        RejectionSpan? span = (cut < 0 ? "" : name[..cut]) switch
        {
            "token" => RejectionSpan.Token,
            "seq_sum" => RejectionSpan.SeqSum,
            "seq_mean" => RejectionSpan.SeqMean,
            "seq_max" => RejectionSpan.SeqMax,
            _ => null,
        };
        KlEstimator? estimator = (cut < 0 ? "" : name[(cut + 1)..]) switch { "k1" => KlEstimator.K1, "k2" => KlEstimator.K2, "k3" => KlEstimator.K3, _ => null };
        if (span is null || estimator is null || (span == RejectionSpan.SeqMax && estimator == KlEstimator.K1))
            throw new CreditException($"rollout_rs: '{name}' is unknown; rules are token_, seq_sum_, seq_mean_ with k1, k2 or k3, and seq_max_k2, seq_max_k3");
        double[] numbers = [.. threshold.Split('_').Select(Number)];
        var ranged = estimator == KlEstimator.K1 && numbers.Length == 2 && numbers[0] < numbers[1];
        if (numbers.Length != 1 && !ranged)
            throw new CreditException($"rollout_rs_threshold: '{threshold}' does not fit {name}; give one number, or low_high with k1");
        return new RejectionRule(span.Value, estimator.Value, ranged ? numbers[0] : 1 / numbers[0], ranged ? numbers[1] : numbers[0]);

        double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number > 0 && double.IsFinite(number)
            ? number
            : throw new CreditException($"rollout_rs_threshold: '{threshold}' is not a positive number or a range such as 0.5_2.0");
    }
}

/// <summary>Which targets are trained on.</summary>
/// <param name="Kept">Per sequence, per target; false: rejected.</param>
/// <param name="RejectedTokens">Targets rejected.</param>
/// <param name="RejectedSequences">Sequences that had targets and have none left.</param>
public sealed record Rejection(IReadOnlyList<bool[]> Kept, long RejectedTokens, int RejectedSequences);

/// <summary>Rejection sampling for the difference between the policy that sampled and pi_old (verl's rollout_rs): what is too far off-policy is
/// not trained on, instead of being weighed.</summary>
public static class RolloutRejection
{
    private const double LogRatioBound = 20;

    /// <summary>Applies all rules; a target is kept if none rejects it.</summary>
    /// <param name="rules">The rules; none keeps everything.</param>
    /// <param name="batch">The batch's sequences.</param>
    public static Rejection Apply(IReadOnlyList<RejectionRule> rules, IReadOnlyList<PolicyPair> batch)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(batch);
        var kept = new bool[batch.Count][];
        long tokens = 0;
        var sequences = 0;
        for (var s = 0; s < batch.Count; s++)
        {
            kept[s] = new bool[batch[s].Old.Length];
            Array.Fill(kept[s], true);
            foreach (var rule in rules) Apply(rule, batch[s], kept[s]);
            var rejected = kept[s].Count(keep => !keep);
            tokens += rejected;
            if (rejected > 0 && rejected == kept[s].Length) sequences++;
        }

        return new Rejection(kept, tokens, sequences);
    }

    private static void Apply(RejectionRule rule, PolicyPair pair, bool[] kept)
    {
        if (kept.Length == 0) return;
        var distances = new double[kept.Length];
        for (var i = 0; i < kept.Length; i++)
        {
            var d = Math.Clamp(pair.Old.Span[i] - pair.Rollout.Span[i], -LogRatioBound, LogRatioBound);
            distances[i] = rule.Estimator switch { KlEstimator.K1 => -d, KlEstimator.K2 => d * d / 2, _ => Math.Exp(d) - 1 - d };
        }

        if (rule.Span == RejectionSpan.Token)
        {
            for (var i = 0; i < kept.Length; i++) kept[i] &= Allows(rule, distances[i]);
            return;
        }

        var whole = rule.Span switch { RejectionSpan.SeqSum => distances.Sum(), RejectionSpan.SeqMean => distances.Average(), _ => distances.Max() };
        if (!Allows(rule, whole)) Array.Clear(kept);
    }

    private static bool Allows(RejectionRule rule, double distance) => rule.Estimator == KlEstimator.K1
        ? distance >= Math.Log(rule.Low) && distance <= Math.Log(rule.High)
        : distance <= rule.High;
}
