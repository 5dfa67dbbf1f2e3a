namespace Distributed.Credit;

/// <summary>Options of <c>gated</c>.</summary>
/// <param name="Threshold">Least outcome with which the gains count.</param>
public sealed record GatedOptions(double Threshold = 1);

/// <summary>
/// G-RA (2508.10548): intermediate rewards count only if the outcome reaches a threshold; below it every gain is 0, so that they cannot be
/// collected
/// while the task is failed.
/// </summary>
public sealed class Gated : IRewardShaper
{
    private readonly double _threshold;

    /// <summary>A shaper with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public Gated(GatedOptions options)
    {
        OptionRange.Finite("gated", "threshold", options.Threshold);
        _threshold = options.Threshold;
    }

    /// <inheritdoc/>
    public string Name => "gated";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return group with { Rollouts = [.. group.Rollouts.Select(Gate)] };
    }

    private ScoredRollout Gate(ScoredRollout rollout) =>
        rollout.Outcome >= _threshold || !rollout.HasGains
            ? rollout
            : rollout with { Gains = RolloutCredit.Fill(rollout.ToolTurnCount, 0) };
}
