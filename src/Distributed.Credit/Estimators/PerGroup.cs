using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>Credits each group by itself: checks it, credits it, checks the result.</summary>
internal static class PerGroup
{
    public static BatchCredit Assign(IReadOnlyList<ScoredGroup> batch, Func<ScoredGroup, ImmutableArray<RolloutCredit>> credit)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var groups = ImmutableArray.CreateBuilder<GroupCredit>(batch.Count);
        foreach (var group in batch)
        {
            group.Validate();
            groups.Add(new GroupCredit(group.Id, credit(group)));
        }

        return BatchCredit.Gather(batch, groups.MoveToImmutable());
    }

    public static double[] Outcomes(ScoredGroup group)
    {
        var outcomes = new double[group.Rollouts.Length];
        for (var i = 0; i < outcomes.Length; i++) outcomes[i] = group.Rollouts[i].Outcome;
        return outcomes;
    }

    /// <summary>One advantage per rollout, the same for all its turns.</summary>
    public static ImmutableArray<RolloutCredit> Broadcast(ScoredGroup group, Func<int, double> advantage)
    {
        var credits = ImmutableArray.CreateBuilder<RolloutCredit>(group.Rollouts.Length);
        for (var i = 0; i < group.Rollouts.Length; i++) credits.Add(RolloutCredit.Uniform(group.Rollouts[i].TurnCount, advantage(i)));
        return credits.MoveToImmutable();
    }
}
