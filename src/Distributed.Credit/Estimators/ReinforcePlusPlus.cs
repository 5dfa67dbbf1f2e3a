namespace Distributed.Credit;

/// <summary>Options of <c>reinforce++</c>.</summary>
/// <param name="WhitenEpsilon">Added to the batch's variance; verl: 1e-8.</param>
/// <param name="ResetAtObservations">True: the outcome reaches the last turn only, as in verl, whose running return is reset at every masked
/// token and so at every tool reply. False: all turns.</param>
public sealed record ReinforcePlusPlusOptions(double WhitenEpsilon = 1e-8, bool ResetAtObservations = false);

/// <summary>
/// REINFORCE++ (2501.03262, as verl has it) without a discount: a rollout's outcome for each of its tokens, whitened over all sampled tokens of
/// the batch. No group is needed; the batch is the baseline. A token discount below 1 would give the tokens of a turn different credit, which
/// nothing here does.
/// </summary>
public sealed class ReinforcePlusPlus(ReinforcePlusPlusOptions options) : IAdvantageEstimator
{
    /// <inheritdoc/>
    public string Name => "reinforce++";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch)
    {
        var outcomes = PerGroup.Assign(batch, group => [.. group.Rollouts.Select(Spread)]);
        return TokenWhitening.Apply(batch, outcomes, options.WhitenEpsilon);
    }

    private RolloutCredit Spread(ScoredRollout rollout)
    {
        var credit = RolloutCredit.Uniform(rollout.TurnCount, rollout.Outcome);
        if (!options.ResetAtObservations) return credit;
        var last = new double[rollout.TurnCount];
        last[^1] = rollout.Outcome;
        return credit with { Advantages = [.. last] };
    }
}
