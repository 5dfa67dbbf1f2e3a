namespace Distributed.Credit;

/// <summary>What a method that compares with the rest of the group does with a group of one.</summary>
public enum SingletonGroup
{
    /// <summary><c>zero</c>: no comparison, no advantage (the default).</summary>
    Zero,

    /// <summary><c>raw</c>: the reward itself, as verl's scalar code has it (baseline 0, deviation 1).</summary>
    Raw,
}

/// <summary>Options of <c>grpo</c>.</summary>
/// <param name="NormAdvByStdInGrpo">Divide by the group's deviation; false is Dr.GRPO (2503.20783).</param>
/// <param name="Epsilon">Added to the deviation; verl: 1e-6.</param>
/// <param name="SingletonGroup">What a group of one gets.</param>
public sealed record GrpoOptions(
    bool NormAdvByStdInGrpo = true, double Epsilon = 1e-6, SingletonGroup SingletonGroup = SingletonGroup.Zero);

/// <summary>
/// GRPO (2402.03300) as verl has it: A_i = (R_i - mean) / (std + epsilon), std with n - 1; every turn of a rollout has the same advantage.
/// Equal outcomes give exactly zero.
/// </summary>
public sealed class Grpo(GrpoOptions options) : IAdvantageEstimator
{
    /// <inheritdoc/>
    public string Name => "grpo";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch) => PerGroup.Assign(batch, group =>
    {
        var outcomes = PerGroup.Outcomes(group);
        if (outcomes.Length == 1 && options.SingletonGroup == SingletonGroup.Raw)
            return PerGroup.Broadcast(group, i => outcomes[i] / (options.NormAdvByStdInGrpo ? 1 + options.Epsilon : 1));
        var moments = Moments.Of(outcomes);
        if (moments.AllEqual) return PerGroup.Broadcast(group, _ => 0);
        var divisor = options.NormAdvByStdInGrpo ? moments.SampleStd + options.Epsilon : 1;
        return PerGroup.Broadcast(group, i => (outcomes[i] - moments.Mean) / divisor);
    });
}
