using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>Options of <c>reinforce++-baseline</c>.</summary>
/// <param name="WhitenEpsilon">Added to the batch's variance; verl: 1e-8.</param>
/// <param name="SingletonGroup">What a group of one is compared with: itself (zero) or nothing (raw).</param>
public sealed record ReinforcePlusPlusBaselineOptions(double WhitenEpsilon = 1e-8, SingletonGroup SingletonGroup = SingletonGroup.Zero);

/// <summary>
/// REINFORCE++ with a group baseline (2501.03262, as verl has it): R_i minus the group's mean, then whitened over all sampled tokens of the
/// batch:
/// (a - mean) / sqrt(var + epsilon), var with n - 1. A long rollout counts as often as it has tokens. The groups of a batch depend on each
/// other.
/// </summary>
public sealed class ReinforcePlusPlusBaseline(ReinforcePlusPlusBaselineOptions options) : IAdvantageEstimator
{
    /// <inheritdoc/>
    public string Name => "reinforce++-baseline";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch)
    {
        var centred = PerGroup.Assign(batch, Centre);
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
        var scale = tokens < 2 ? 0 : 1 / Math.Sqrt(squares / (tokens - 1) + options.WhitenEpsilon);

        var groups = ImmutableArray.CreateBuilder<GroupCredit>(batch.Count);
        foreach (var group in centred.Groups)
        {
            groups.Add(group with { Rollouts = [.. group.Rollouts.Select(Whiten)] });
        }

        return BatchCredit.Gather(batch, groups.MoveToImmutable());

        RolloutCredit Whiten(RolloutCredit rollout) => RolloutCredit.Uniform(rollout.Advantages.Length, (rollout.OutcomeScore - mean) * scale);

        // Rollouts without tokens have no say in the batch's mean.
        void ForEach(Action<double, long> visit)
        {
            for (var g = 0; g < batch.Count; g++)
            {
                for (var i = 0; i < batch[g].Rollouts.Length; i++)
                {
                    var count = batch[g].Rollouts[i].TokenCount;
                    if (count > 0) visit(centred.Groups[g].Rollouts[i].OutcomeScore, count);
                }
            }
        }
    }

    private ImmutableArray<RolloutCredit> Centre(ScoredGroup group)
    {
        var outcomes = PerGroup.Outcomes(group);
        if (outcomes.Length == 1 && options.SingletonGroup == SingletonGroup.Raw) return PerGroup.Broadcast(group, i => outcomes[i]);
        var moments = Moments.Of(outcomes);
        return PerGroup.Broadcast(group, i => moments.AllEqual ? 0 : outcomes[i] - moments.Mean);
    }
}
