using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Protocol;
using Distributed.Simulation.Host;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Runs;

/// <summary>What a cluster is built of, where a planted bug may sit. The defaults are without one.</summary>
public sealed record ClusterParts
{
    /// <summary>The learner's disk.</summary>
    public Func<SimulatedDisk> Disk { get; init; } = () => new SimulatedDisk();

    /// <summary>A process's engine.</summary>
    public Func<SimulationHost, RandomStream, EngineTimes, SimulatedNode, SimulatedEngine> Engine { get; init; } =
        (host, stream, times, node) => new SimulatedEngine(host, stream, times, node.EngineFaults);

    /// <summary>A process's way to other nodes.</summary>
    public Func<SimulatedNode, IFabric, IFabric> Fabric { get; init; } = (_, fabric) => fabric;

    /// <summary>Changes messages right before they are delivered.</summary>
    public Func<NodeId, WireEnvelope, IEnumerable<WireEnvelope>> Deliver { get; init; } = (_, envelope) => [envelope];

    /// <summary>What the coordinator is told of the run's options.</summary>
    public Func<CoordinatorOptions, CoordinatorOptions> Coordinator { get; init; } = options => options;

    /// <summary>The highest epoch a new learner process knows of.</summary>
    public Func<SimulatedNode, long> LastEpoch { get; init; } = node => node.Disk.LastEpoch;

    /// <summary>Checkpoints are acknowledged before they are written.</summary>
    public bool AcknowledgesEarly { get; init; }

    /// <summary>The rules of a learner's life.</summary>
    internal Func<LearnerLife, Ledger, CoordinatorRules> Rules { get; init; } =
        (life, ledger) => new CoordinatorRules(life.Settings.Coordinator, life.Epoch, life.Start, ledger);
}
