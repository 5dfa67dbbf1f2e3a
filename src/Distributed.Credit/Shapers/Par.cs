namespace Distributed.Credit;

/// <summary>Options of <c>par</c>.</summary>
/// <param name="Reference">What the outcome is compared with; null: the group's mean outcome (ours).</param>
/// <param name="Temperature">Divides the difference, above 0; the paper: 1.</param>
public sealed record ParOptions(double? Reference = null, double Temperature = 1);

/// <summary>
/// PAR (2502.18770): the outcome becomes sigmoid((R - reference) / temperature), bounded and flattening for rewards far from the reference,
/// so that a
/// runaway reward pays little.
/// </summary>
public sealed class Par : IRewardShaper
{
    private readonly ParOptions _options;

    /// <summary>A shaper with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public Par(ParOptions options)
    {
        if (options.Reference is { } reference) OptionRange.Finite("par", "reference", reference);
        OptionRange.Above("par", "temperature", options.Temperature, 0);
        _options = options;
    }

    /// <inheritdoc/>
    public string Name => "par";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        var reference = _options.Reference ?? Moments.Of(PerGroup.Outcomes(group)).Mean;
        return group with { Rollouts = [.. group.Rollouts.Select(rollout => rollout with { Outcome = Sigmoid(rollout.Outcome - reference) })] };
    }

    private double Sigmoid(double difference) => 1 / (1 + Math.Exp(-difference / _options.Temperature));
}
