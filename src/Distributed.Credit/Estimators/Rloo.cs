namespace Distributed.Credit;

/// <summary>Options of <c>rloo</c>.</summary>
/// <param name="SingletonGroup">What a group of one gets.</param>
public sealed record RlooOptions(SingletonGroup SingletonGroup = SingletonGroup.Zero);

/// <summary>
/// RLOO (2402.14740) as verl has it: A_i = R_i - mean of the other rollouts' R; every turn of a rollout has the same advantage. Unbiased
/// for the outcome.
/// </summary>
public sealed class Rloo(RlooOptions options) : IAdvantageEstimator
{
    /// <inheritdoc/>
    public string Name => "rloo";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) => PerGroup.Assign(batch, group =>
    {
        var outcomes = PerGroup.Outcomes(group);
        if (outcomes.Length == 1) return PerGroup.Broadcast(group, i => options.SingletonGroup == SingletonGroup.Raw ? outcomes[i] : 0);
        var moments = Moments.Of(outcomes);
        return PerGroup.Broadcast(group, i => OthersMean.Difference(outcomes[i], moments));
    });
}
