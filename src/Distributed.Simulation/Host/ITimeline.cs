namespace Distributed.Simulation.Host;

/// <summary>A clock and what will happen on it. Everything it does, and every call to what lives on it, is on one thread.</summary>
public interface ITimeline
{
    /// <summary>Time since the beginning, ticks of 100 ns.</summary>
    long NowTicks { get; }

    /// <summary>Does something after a time.</summary>
    void After(TimeSpan delay, Action action);
}
