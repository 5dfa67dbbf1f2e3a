using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>Options of <c>istar</c> (2509.19199).</summary>
/// <param name="Alpha">Weight of the turn's own advantage beside the outcome's.</param>
/// <param name="DivideByStd">False: centre only, turns and outcomes alike.</param>
public sealed record IstarOptions(double Alpha = 1, bool DivideByStd = true);

/// <summary>
/// iStar (2509.19199, first called OPRL): A_(i,t) = z(R_i) + alpha z(r_(i,t)), r the implicit process reward of each turn, the final one
/// included (<see cref="TurnSignals.ProcessReward"/>), both z-scores within the prompt; rewards of turns are not accumulated. A rollout one of whose turns has
/// no such reward is credited by its outcome alone and takes no part in normalising those of the others.
/// </summary>
public sealed class Istar : IAdvantageEstimator
{
    private readonly IstarOptions _options;
    private readonly ZScore _rule;

    /// <summary>An estimator with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public Istar(IstarOptions options)
    {
        _options = options;
        OptionRange.Between("istar", "alpha", options.Alpha, -1000, 1000);
        _rule = new ZScore(MethodVariant.Paper, options.DivideByStd, Floor: 0);
    }

    /// <inheritdoc/>
    public string Name => "istar";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) => PerGroup.Assign(batch, Credit);

    private ImmutableArray<RolloutCredit> Credit(ScoredGroup group)
    {
        var outcomes = PerGroup.Outcomes(group);
        var ofOutcomes = _rule.Of(outcomes);
        var rewards = new double[]?[outcomes.Length];
        var all = new List<double>();
        for (var i = 0; i < rewards.Length; i++)
        {
            rewards[i] = Rewards(group.Rollouts[i]);
            if (rewards[i] is { } known) all.AddRange(known);
        }

        var ofTurns = _rule.Of(CollectionsMarshal.AsSpan(all));
        var credits = ImmutableArray.CreateBuilder<RolloutCredit>(outcomes.Length);
        for (var i = 0; i < outcomes.Length; i++)
        {
            var (outcome, turns) = ((outcomes[i] - ofOutcomes.Mean) / ofOutcomes.Divisor, group.Rollouts[i].TurnCount);
            if (rewards[i] is not { } own)
            {
                credits.Add(RolloutCredit.Uniform(turns, outcome));
                continue;
            }

            var advantages = new double[turns];
            for (var t = 0; t < turns; t++) advantages[t] = outcome + _options.Alpha * ((own[t] - ofTurns.Mean) / ofTurns.Divisor);
            credits.Add(new RolloutCredit(ImmutableCollectionsMarshal.AsImmutableArray(advantages), RolloutCredit.Ones(turns), outcome));
        }

        return credits.MoveToImmutable();
    }

    private static double[]? Rewards(ScoredRollout rollout)
    {
        if (rollout.Signals.IsDefaultOrEmpty) return null;
        var rewards = new double[rollout.TurnCount];
        for (var t = 0; t < rewards.Length; t++)
        {
            if (rollout.Signals[t].ProcessReward is not { } reward || !double.IsFinite(reward)) return null;
            rewards[t] = reward;
        }

        return rewards;
    }
}
