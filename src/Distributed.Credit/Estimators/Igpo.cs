using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>Among which rewards <c>igpo</c> normalises.</summary>
public enum IgpoNorm
{
    /// <summary><c>joint</c>: gains and outcomes of the prompt together (the paper).</summary>
    Joint,

    /// <summary><c>separate</c>: gains among gains, outcomes among outcomes (the released recipe).</summary>
    Separate,
}

/// <summary>Options of <c>igpo</c> (2510.14967).</summary>
/// <param name="Norm">Among which rewards is normalised.</param>
/// <param name="Gamma">Discount of later rewards, in [0, 1].</param>
/// <param name="DivideByStd">False: centre only.</param>
/// <param name="IgStdFloor">Least deviation that gains (with <c>joint</c>: all rewards) are divided by; 0: the formula.</param>
/// <param name="IgWeight">Multiplies the gains before they are normalised.</param>
/// <param name="OutcomeWeight">Multiplies the outcomes before they are normalised.</param>
/// <param name="Variant">
/// <c>released</c> damps every z-score as (x - mean) / (sqrt(var + 1e-8) + 1e-6) and merges a turn whose gain is exactly 0 into the one
/// after it.
/// </param>
public sealed record IgpoOptions(
    IgpoNorm Norm = IgpoNorm.Joint,
    double Gamma = 1,
    bool DivideByStd = true,
    double IgStdFloor = 0,
    double IgWeight = 1,
    double OutcomeWeight = 1,
    MethodVariant Variant = MethodVariant.Paper);

/// <summary>
/// IGPO (2510.14967; not the other methods of that name): r_(i,t) = ig_(i,t) for tool turns, R_i for the final turn; z-scored within the
/// prompt;
/// A_(i,t) = sum over k = t..T of gamma^(k-t) z(r_(i,k)).
/// </summary>
public sealed class Igpo : IAdvantageEstimator
{
    private readonly IgpoOptions _options;
    private readonly ZScore _rule;

    /// <summary>An estimator with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public Igpo(IgpoOptions options)
    {
        _options = options;
        OptionRange.Between("igpo", "gamma", options.Gamma, 0, 1);
        OptionRange.AtLeast("igpo", "ig_std_floor", options.IgStdFloor, 0);
        OptionRange.AtLeast("igpo", "ig_weight", options.IgWeight, 0);
        OptionRange.AtLeast("igpo", "outcome_weight", options.OutcomeWeight, 0);
        _rule = new ZScore(options.Variant, options.DivideByStd, options.IgStdFloor);
    }

    /// <inheritdoc/>
    public string Name => "igpo";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) => PerGroup.Assign(batch, Credit);

    private ImmutableArray<RolloutCredit> Credit(ScoredGroup group)
    {
        var spans = new RewardedTurns[group.Rollouts.Length];
        for (var i = 0; i < spans.Length; i++)
        {
            spans[i] = RewardedTurns.Of(group.Rollouts[i], mergeZeroGains: _options.Variant == MethodVariant.Released);
            for (var k = 0; k < spans[i].Gains.Length; k++) spans[i].Gains[k] *= _options.IgWeight;
        }

        var outcomes = PerGroup.Outcomes(group);
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] *= _options.OutcomeWeight;
        var gains = new List<double>();
        foreach (var span in spans) gains.AddRange(span.Gains);
        var joint = _options.Norm == IgpoNorm.Joint;
        if (joint) gains.AddRange(outcomes);
        var ofGains = _rule.Of(CollectionsMarshal.AsSpan(gains));
        var ofOutcomes = joint ? ofGains : (_rule with { Floor = 0 }).Of(outcomes);

        var credits = ImmutableArray.CreateBuilder<RolloutCredit>(outcomes.Length);
        for (var i = 0; i < outcomes.Length; i++)
            credits.Add(Accumulate(spans[i], ofGains, (outcomes[i] - ofOutcomes.Mean) / ofOutcomes.Divisor));
        return credits.MoveToImmutable();
    }

    private RolloutCredit Accumulate(RewardedTurns span, (double Mean, double Divisor) rule, double outcome)
    {
        var turns = span.Owner.Length;
        var count = span.Gains.Length;
        if (count == 0) return RolloutCredit.Uniform(turns, outcome);
        var normalized = new double[count];
        var returns = new double[count];
        var sum = outcome;
        for (var k = count - 1; k >= 0; k--)
        {
            normalized[k] = (span.Gains[k] - rule.Mean) / rule.Divisor;
            returns[k] = sum = normalized[k] + _options.Gamma * sum;
        }

        var advantages = new double[turns];
        var byTurn = new double[turns - 1];
        for (var t = 0; t < turns; t++)
        {
            var k = span.Owner[t];
            advantages[t] = k == count ? outcome : returns[k];
            if (t < turns - 1) byTurn[t] = k == count ? 0 : normalized[k];
        }

        return new RolloutCredit(
            ImmutableCollectionsMarshal.AsImmutableArray(advantages),
            RolloutCredit.Ones(turns),
            outcome,
            ImmutableCollectionsMarshal.AsImmutableArray(byTurn));
    }
}
