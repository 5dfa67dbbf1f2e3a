using Distributed.Protocol;

namespace Distributed.Simulation.Host;

/// <summary>
/// Which of the actors that have something to do goes next: the one with the lowest priority. Priorities derive from the actor's path and never from the
/// order in which actors became ready, so that orders which differ between processes (Akka keeps children by randomised hash) do not show.
/// </summary>
public interface IActivationOrder
{
    /// <summary>Priority of an actor's next activation.</summary>
    /// <param name="actor">Hash of its path.</param>
    /// <param name="activation">How many it has had.</param>
    /// <param name="step">How many activations the simulation has had in all.</param>
    ulong Priority(ulong actor, long activation, long step);
}

/// <summary>A new random priority for every activation: every ready actor may go first.</summary>
public sealed class UniformOrder(ulong seed) : IActivationOrder
{
    /// <inheritdoc/>
    public ulong Priority(ulong actor, long activation, long step) => Seeds.Derive(seed ^ actor, "activation", activation);
}

/// <summary>
/// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): every actor keeps one random priority, and at <c>depth - 1</c> random steps all are drawn anew.
/// Finds bugs that need one actor to be starved for long, which a uniform order hardly ever does.
/// </summary>
public sealed class PriorityOrder : IActivationOrder
{
    private readonly ulong _seed;
    private readonly long[] _changes;

    /// <summary>An order with <paramref name="depth"/> - 1 changes within the first <paramref name="steps"/> activations.</summary>
    public PriorityOrder(ulong seed, int depth, long steps)
    {
        _seed = seed;
        var stream = new RandomStream(Seeds.Derive(seed, "priority-changes"));
        _changes = [.. Enumerable.Range(0, depth - 1).Select(_ => (long)(stream.NextDouble() * steps)).Order()];
    }

    /// <inheritdoc/>
    public ulong Priority(ulong actor, long activation, long step)
    {
        var era = 0;
        while (era < _changes.Length && _changes[era] <= step) era++;
        return Seeds.Derive(_seed ^ actor, "priority", era);
    }
}
