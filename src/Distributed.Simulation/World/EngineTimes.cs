using Distributed.Simulation.Host;

namespace Distributed.Simulation.World;

/// <summary>How long an engine takes, virtual seconds; every duration varies by <see cref="Spread"/> around it.</summary>
public sealed record EngineTimes
{
    /// <summary>Seconds from a sampling request to its first token.</summary>
    public double FirstToken { get; init; } = 0.02;

    /// <summary>Seconds a sampled token.</summary>
    public double Token { get; init; } = 0.02;

    /// <summary>Seconds a score request.</summary>
    public double Score { get; init; } = 0.08;

    /// <summary>Seconds an update.</summary>
    public double Train { get; init; } = 0.2;

    /// <summary>Seconds to load weights.</summary>
    public double Load { get; init; } = 0.03;

    /// <summary>Seconds for anything else: log-probabilities, copies of weights and optimizer.</summary>
    public double Other { get; init; } = 0.02;

    /// <summary>Part of a duration by which it varies to both sides.</summary>
    public double Spread { get; init; } = 0.4;

    internal TimeSpan Draw(double seconds, RandomStream stream, double slowdown) =>
        TimeSpan.FromSeconds(seconds * slowdown * stream.Between(1 - Spread, 1 + Spread));
}
