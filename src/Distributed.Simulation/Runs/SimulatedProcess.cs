using Akka.Actor;
using Distributed.Protocol;

namespace Distributed.Simulation.Runs;

/// <summary>One life of a node's process. What is dead sends nothing, gets nothing and is answered nothing.</summary>
/// <param name="node">The node.</param>
/// <param name="number">Which of the node's processes it is, from 1.</param>
public sealed class SimulatedProcess(NodeId node, int number)
{
    /// <summary>The node.</summary>
    public NodeId Node => node;

    /// <summary>Which of the node's processes it is, from 1.</summary>
    public int Number => number;

    /// <summary>Name of its root actor.</summary>
    public string Root { get; } = $"{node.Value}.{number}";

    /// <summary>It runs.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Its root actor, once it is there.</summary>
    public IActorRef? Actor { get; set; }

    /// <summary>Its root actor listens to the network.</summary>
    public bool Attached { get; set; }

    /// <summary>It is no more.</summary>
    public void Die() => IsAlive = false;
}
