using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>
/// Whitening over all sampled tokens of a batch, as verl's REINFORCE++ estimators do it: (a - mean) / sqrt(var + epsilon), var with n - 1. A
/// turn counts as often as it has tokens; one without tokens has no say.
/// </summary>
internal static class TokenWhitening
{
    /// <summary>Whitens every turn's advantage.</summary>
    public static BatchCredit Apply(IReadOnlyList<ScoredGroup> batch, BatchCredit credit, double epsilon)
    {
        double sum = 0, min = double.PositiveInfinity, max = double.NegativeInfinity;
        long tokens = 0;
        ForEach((advantage, count) =>
        {
            sum += advantage * count;
            tokens += count;
            min = Math.Min(min, advantage);
            max = Math.Max(max, advantage);
        });
        var mean = min == max ? min : sum / Math.Max(1, tokens);
        double squares = 0;
        ForEach((advantage, count) => squares += (advantage - mean) * (advantage - mean) * count);
        var scale = tokens < 2 ? 0 : 1 / Math.Sqrt(squares / (tokens - 1) + epsilon);

        var groups = ImmutableArray.CreateBuilder<GroupCredit>(batch.Count);
        foreach (var group in credit.Groups) groups.Add(group with { Rollouts = [.. group.Rollouts.Select(Whiten)] });
        return BatchCredit.Gather(batch, groups.MoveToImmutable());

        RolloutCredit Whiten(RolloutCredit rollout) => rollout with
        {
            Advantages = [.. rollout.Advantages.Select(advantage => (advantage - mean) * scale)],
            OutcomeScore = (rollout.OutcomeScore - mean) * scale,
        };

        void ForEach(Action<double, long> visit)
        {
            for (var g = 0; g < batch.Count; g++)
            {
                for (var i = 0; i < batch[g].Rollouts.Length; i++)
                {
                    var counts = batch[g].Rollouts[i].TurnTokens;
                    for (var t = 0; t < counts.Length; t++)
                    {
                        if (counts[t] > 0) visit(credit.Groups[g].Rollouts[i].Advantages[t], counts[t]);
                    }
                }
            }
        }
    }
}
