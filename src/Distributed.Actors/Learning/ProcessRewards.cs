using Distributed.Credit;

namespace Distributed.Actors.Learning;

/// <summary>What the process reward model says of a batch.</summary>
/// <param name="ByTurn">Reward of every turn of every rollout, in the batch's order; null for a rollout without a sampled token.</param>
/// <param name="Learnt">The preference loss before the model's first optimizer step on the batch.</param>
public sealed record ProcessRewards(IReadOnlyList<double[]?> ByTurn, PreferenceStep Learnt)
{
    /// <summary>The groups with every turn's reward among its signals.</summary>
    public ScoredGroup[] PutInto(IReadOnlyList<ScoredGroup> groups)
    {
        var at = 0;
        return [.. groups.Select(group => group with { Rollouts = [.. group.Rollouts.Select(rollout => PutInto(rollout, ByTurn[at++]))] })];
    }

    /// <summary>Adds the model's metrics; rewards by turn are means over the rollouts that have the turn.</summary>
    public void AddMetrics(Dictionary<string, double> metrics)
    {
        metrics["process_reward/loss"] = Learnt.Loss;
        metrics["process_reward/accuracy"] = Learnt.Accuracy;
        metrics["process_reward/pairs"] = Learnt.Pairs;
        var rollouts = ByTurn.OfType<double[]>().ToArray();
        var turns = rollouts.Select(rollout => rollout.Length).DefaultIfEmpty(0).Max();
        for (var turn = 0; turn < turns; turn++)
            metrics[$"process_reward/by_turn/{turn + 1}"] = rollouts.Where(rollout => rollout.Length > turn).Average(rollout => rollout[turn]);
    }

    private static ScoredRollout PutInto(ScoredRollout rollout, double[]? rewards) => rewards is null ? rollout : rollout with
    {
        Signals = [.. rollout.Signals.Select((signals, turn) => signals with { ProcessReward = rewards[turn] })],
    };
}
