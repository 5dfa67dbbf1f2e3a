namespace Distributed.Credit;

/// <summary>Options of <c>min-form</c>.</summary>
/// <param name="Temperature">Softness of the minimum, above 0, on the scale of the gains; 0.1 as restated by others.</param>
public sealed record MinFormOptions(double Temperature = 0.1);

/// <summary>
/// PURE (2504.15275): a turn is worth the smallest of the process rewards still to come, not their sum, so that no single reward can be
/// collected over and over.
/// Written as a change of the rewards: gain_t becomes w_t gain_t with w = softmax(-gain / temperature) over the rollout's tool turns; as
/// the temperature
/// goes to 0 the sum over the turns from t on is the smallest gain, for every t up to that turn, and 0 after it.
/// </summary>
public sealed class MinForm : IRewardShaper
{
    private readonly double _temperature;

    /// <summary>A shaper with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public MinForm(MinFormOptions options)
    {
        OptionRange.Above("min-form", "temperature", options.Temperature, 0);
        _temperature = options.Temperature;
    }

    /// <inheritdoc/>
    public string Name => "min-form";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return group with { Rollouts = [.. group.Rollouts.Select(Soften)] };
    }

    private ScoredRollout Soften(ScoredRollout rollout)
    {
        if (!rollout.HasGains) return rollout;
        var gains = rollout.Gains!.Value;
        var least = gains.Min();
        var weights = gains.Select(gain => Math.Exp((least - gain) / _temperature)).ToArray();
        var sum = weights.Sum();
        return rollout with { Gains = [.. gains.Select((gain, t) => gain * weights[t] / sum)] };
    }
}
