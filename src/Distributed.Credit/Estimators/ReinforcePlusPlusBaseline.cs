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
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) =>
        TokenWhitening.Apply(batch, PerGroup.Assign(batch, Centre), options.WhitenEpsilon);

    private ImmutableArray<RolloutCredit> Centre(ScoredGroup group)
    {
        var outcomes = PerGroup.Outcomes(group);
        if (outcomes.Length == 1 && options.SingletonGroup == SingletonGroup.Raw) return PerGroup.Broadcast(group, i => outcomes[i]);
        var moments = Moments.Of(outcomes);
        return PerGroup.Broadcast(group, i => moments.AllEqual ? 0 : outcomes[i] - moments.Mean);
    }
}
