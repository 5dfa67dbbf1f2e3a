using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>Adds rewards found in single turns to a group.</summary>
internal static class TurnBonus
{
    /// <summary>Adds to each tool turn's gain, and to the outcome for the final turn.</summary>
    /// <remarks>Where no rollout of the group has gains, the bonus is the gain; a rollout that lacks gains its peers have goes on without,
    /// for half a reward cannot be compared.</remarks>
    public static ScoredGroup IntoTurns(ScoredGroup group, Func<TurnSignals, double> bonus)
    {
        var anyGains = group.Rollouts.Any(rollout => rollout.HasGains);
        return group with { Rollouts = [.. group.Rollouts.Select(rollout => Add(rollout, bonus, anyGains))] };
    }

    /// <summary>Adds one number to each outcome.</summary>
    public static ScoredGroup IntoOutcome(ScoredGroup group, Func<ImmutableArray<TurnSignals>, double> bonus) =>
        group with { Rollouts = [.. group.Rollouts
            .Select(rollout => rollout with { Outcome = rollout.Outcome + bonus(rollout.Signals) })] };

    private static ScoredRollout Add(ScoredRollout rollout, Func<TurnSignals, double> bonus, bool anyGains)
    {
        if (rollout.Signals.IsEmpty) return rollout;
        var shaped = rollout with { Outcome = rollout.Outcome + bonus(rollout.Signals[^1]) };
        if (rollout.ToolTurnCount == 0 || (anyGains && !rollout.HasGains)) return shaped;
        var gains = new double[rollout.ToolTurnCount];
        for (var t = 0; t < gains.Length; t++) gains[t] = (anyGains ? rollout.Gains!.Value[t] : 0) + bonus(rollout.Signals[t]);
        return shaped with { Gains = ImmutableCollectionsMarshal.AsImmutableArray(gains) };
    }
}
