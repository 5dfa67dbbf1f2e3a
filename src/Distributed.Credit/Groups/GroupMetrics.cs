using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>What a batch of scored groups looks like before any credit; the metric's name is in each member's text.</summary>
/// <param name="Groups">Groups.</param>
/// <param name="Rollouts">Rollouts.</param>
/// <param name="OutcomeMean"><c>reward/mean</c>: mean outcome.</param>
/// <param name="OutcomeStd"><c>reward/std</c>: population deviation of the outcomes.</param>
/// <param name="AdvantageCollapse"><c>advantage_collapse</c>: share of groups whose outcomes are all equal.</param>
/// <param name="TurnsMean"><c>turns/mean</c>: mean number of turns, the final one included.</param>
/// <param name="TurnsMax">Most turns.</param>
/// <param name="GainMean"><c>ig/mean</c>: mean gain over all tool turns that have one.</param>
/// <param name="GainStd"><c>ig/std</c>: population deviation of those gains.</param>
/// <param name="GainByTurn"><c>ig/by_turn</c>: mean gain of the first, second, ... tool turn; 0 where no rollout has one.</param>
/// <param name="RolloutsWithoutGain">Rollouts with tool turns but no usable gain.</param>
public sealed record GroupMetrics(
    int Groups,
    int Rollouts,
    double OutcomeMean,
    double OutcomeStd,
    double AdvantageCollapse,
    double TurnsMean,
    int TurnsMax,
    double GainMean,
    double GainStd,
    ImmutableArray<double> GainByTurn,
    int RolloutsWithoutGain)
{
    /// <summary>Metrics of a batch; all zero for an empty one.</summary>
    /// <param name="batch">The scored groups.</param>
    /// <exception cref="CreditException">A group is malformed or an outcome is not finite.</exception>
    public static GroupMetrics Of(IReadOnlyList<ScoredGroup> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var outcomes = new List<double>();
        var gains = new List<double>();
        var byTurn = new List<(double Sum, int Count)>();
        int collapsed = 0, without = 0, turnsMax = 0;
        long turns = 0;
        foreach (var group in batch)
        {
            group.Validate();
            var first = group.Rollouts[0].Outcome;
            if (group.Rollouts.All(rollout => rollout.Outcome == first)) collapsed++;
            foreach (var rollout in group.Rollouts)
            {
                outcomes.Add(rollout.Outcome);
                turns += rollout.TurnCount;
                turnsMax = Math.Max(turnsMax, rollout.TurnCount);
                if (rollout.LacksGains) without++;
                if (!rollout.HasGains) continue;
                var own = rollout.Gains!.Value;
                for (var t = 0; t < own.Length; t++)
                {
                    gains.Add(own[t]);
                    if (t == byTurn.Count) byTurn.Add((0, 0));
                    byTurn[t] = (byTurn[t].Sum + own[t], byTurn[t].Count + 1);
                }
            }
        }

        var ofOutcomes = Moments.Of(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(outcomes));
        var ofGains = Moments.Of(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(gains));
        return new GroupMetrics(
            batch.Count,
            outcomes.Count,
            ofOutcomes.Mean,
            ofOutcomes.PopulationStd,
            batch.Count == 0 ? 0 : collapsed / (double)batch.Count,
            outcomes.Count == 0 ? 0 : turns / (double)outcomes.Count,
            turnsMax,
            ofGains.Mean,
            ofGains.PopulationStd,
            [.. byTurn.Select(turn => turn.Count == 0 ? 0 : turn.Sum / turn.Count)],
            without);
    }
}
