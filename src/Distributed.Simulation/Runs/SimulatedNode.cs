using Distributed.Protocol;
using Distributed.Simulation.Host;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Runs;

/// <summary>What a node does.</summary>
public enum NodeKind
{
    /// <summary>Runs episodes.</summary>
    Rollout,

    /// <summary>Scores.</summary>
    Scorer,

    /// <summary>Learns.</summary>
    Learner,
}

/// <summary>A node: what outlives its processes, and the process it has now.</summary>
public sealed class SimulatedNode(NodeId id, NodeKind kind)
{
    /// <summary>Its name.</summary>
    public NodeId Id => id;

    /// <summary>What it does.</summary>
    public NodeKind Kind => kind;

    /// <summary>Its disk.</summary>
    public SimulatedDisk Disk { get; set; } = new();

    /// <summary>What is wrong with its engine.</summary>
    public EngineFaults EngineFaults { get; } = new();

    /// <summary>What is wrong with its tools.</summary>
    public ToolFaults ToolFaults { get; } = new();

    /// <summary>Crashes planned for its actors.</summary>
    public List<PlannedCrash> Crashes { get; } = [];

    /// <summary>The process dies when its next checkpoint is half written.</summary>
    public bool DiesAtNextCheckpoint { get; set; }

    /// <summary>It has left for good.</summary>
    public bool HasLeft { get; set; }

    /// <summary>Its process; null while it is down.</summary>
    public SimulatedProcess? Process { get; set; }

    /// <summary>The process's engine.</summary>
    public SimulatedEngine? Engine { get; set; }

    /// <summary>The process's tools.</summary>
    public SimulatedEpisodeHost? Tools { get; set; }

    /// <summary>The process's clock.</summary>
    public VirtualTime? Clock { get; set; }
}

/// <summary>An actor will crash at a message.</summary>
/// <param name="actor">Name of the actor, as its message tap has it.</param>
/// <param name="nth">Which message from now on, from 1.</param>
public sealed class PlannedCrash(string actor, int nth)
{
    /// <summary>Name of the actor.</summary>
    public string Actor => actor;

    /// <summary>Messages until it happens.</summary>
    public int Left { get; set; } = nth;
}

/// <summary>A planned crash of an actor.</summary>
public sealed class InjectedCrashException(string message) : Exception(message);
