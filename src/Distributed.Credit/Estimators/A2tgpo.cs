using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>
/// A2TGPO (2605.06200, eq. 6-9 and 11): gains are z-scored among the rollouts that made the same turn, accumulated, scaled by the root of
/// the
/// number of terms and added to the z-scored outcome; the clip range of a turn follows its normalised gain.
/// </summary>
/// <remarks>
/// igh_(i,t) = z(ig_(i,t)) in its turn group, 0 for a group of one or of equal values; D_(i,t) = sum over k = t..T-1 of gamma^(k-t)
/// igh_(i,k);
/// A_(i,t) = alpha D_(i,t) / sqrt(T - t) + z(R_i) for tool turns, z(R_i) for the final turn; c_(i,t) = 1 + beta (2 sigmoid(igh_(i,t)) - 1),
/// 1 for the final turn.
/// </remarks>
public sealed class A2tgpo : IAdvantageEstimator
{
    private readonly A2tgpoOptions _options;
    private readonly double _alpha;
    private readonly ZScore _ofGains;
    private readonly ZScore _ofOutcomes;

    /// <summary>An estimator with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public A2tgpo(A2tgpoOptions options)
    {
        _options = options;
        _alpha = options.Alpha ?? (options.Variant == MethodVariant.Paper ? 1 : 0.3);
        OptionRange.Finite("a2tgpo", "alpha", _alpha);
        OptionRange.Between("a2tgpo", "gamma", options.Gamma, 0, 1);
        OptionRange.Between("a2tgpo", "beta", options.Beta, 0, 1);
        OptionRange.AtLeast("a2tgpo", "ig_std_floor", options.IgStdFloor, 0);
        _ofGains = new ZScore(options.Variant, options.DivideByStd, options.IgStdFloor);
        _ofOutcomes = new ZScore(options.Variant, options.DivideByStd, 0);
    }

    /// <inheritdoc/>
    public string Name => "a2tgpo";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) => PerGroup.Assign(batch, Credit);

    private ImmutableArray<RolloutCredit> Credit(ScoredGroup group)
    {
        var spans = new RewardedTurns[group.Rollouts.Length];
        for (var i = 0; i < spans.Length; i++)
            spans[i] = RewardedTurns.Of(group.Rollouts[i], mergeZeroGains: _options.Variant == MethodVariant.Released);
        var normalized = _options.TurnGroupNorm
            ? TurnGroups.NormalizeByTurn(spans, _ofGains)
            : TurnGroups.NormalizeTogether(spans, _ofGains);
        var outcomes = PerGroup.Outcomes(group);
        var (mean, divisor) = _ofOutcomes.Of(outcomes);
        var credits = ImmutableArray.CreateBuilder<RolloutCredit>(outcomes.Length);
        for (var i = 0; i < outcomes.Length; i++) credits.Add(Credit(spans[i], normalized[i], (outcomes[i] - mean) / divisor));
        return credits.MoveToImmutable();
    }

    private RolloutCredit Credit(RewardedTurns span, double[] normalized, double outcome)
    {
        var turns = span.Owner.Length;
        if (normalized.Length == 0) return RolloutCredit.Uniform(turns, outcome);
        var returns = new double[normalized.Length];
        double sum = 0;
        for (var k = normalized.Length - 1; k >= 0; k--) returns[k] = sum = normalized[k] + _options.Gamma * sum;

        var advantages = new double[turns];
        var scales = new double[turns];
        var gains = new double[turns - 1];
        var accumulated = new double[turns - 1];
        for (var t = 0; t < turns; t++)
        {
            var k = span.Owner[t];
            var final = k == normalized.Length;
            var terms = normalized.Length - k;
            advantages[t] = final ? outcome : _alpha * returns[k] / (_options.SqrtScaling ? Math.Sqrt(terms) : 1) + outcome;
            scales[t] = final || !_options.AdaptiveClip ? 1 : 1 + _options.Beta * (2 / (1 + Math.Exp(-normalized[k])) - 1);
            if (t == turns - 1) continue;
            gains[t] = final ? 0 : normalized[k];
            accumulated[t] = final ? 0 : returns[k];
        }

        return new RolloutCredit(
            ImmutableCollectionsMarshal.AsImmutableArray(advantages),
            ImmutableCollectionsMarshal.AsImmutableArray(scales),
            outcome,
            ImmutableCollectionsMarshal.AsImmutableArray(gains),
            ImmutableCollectionsMarshal.AsImmutableArray(accumulated));
    }
}
