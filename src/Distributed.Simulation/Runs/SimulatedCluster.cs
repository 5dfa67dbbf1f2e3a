using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Weights;
using Distributed.Protocol;
using Distributed.Simulation.Host;
using Distributed.Simulation.Invariants;
using Distributed.Simulation.Network;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Runs;

/// <summary>
/// The nodes of a simulated training: the real actors, each node an actor subtree of its own in one actor system (a system for each would cost 10 ms a node), everything
/// they touch simulated. Starts and kills their processes.
/// </summary>
public sealed class SimulatedCluster
{
    private readonly List<SimulatedNode> _nodes = [];
    private readonly ActorSystem _system;
    private readonly TrainingShape _shape;
    private readonly RunJournal _journal;
    private readonly History _history;
    private readonly ClusterParts _parts;
    private readonly WeightShelves _shelves = new();
    private readonly Lineage _lineage;
    private readonly BookKeeping _books;
    private readonly WorkerViews _views;

    /// <summary>A cluster whose nodes are down.</summary>
    public SimulatedCluster(SimulationHost host, RunJournal journal, TrainingShape shape, ClusterParts parts, Action<string?> ended)
    {
        (Host, _shape, _journal, _parts) = (host, shape, journal, parts);
        _history = new History(journal, shape) { Started = (version, _) => _lineage!.Begin(version), End = ended };
        Network = new SimulatedNetwork(host, journal, shape.Links) { Deliver = parts.Deliver, Sent = new RecoveryPaths(journal).Sent };
        _system = host.CreateSystem("simulation");
        _system.ActorOf(Props.Create(() => new CrashWatch(journal)), "crash-watch");
        _lineage = new Lineage(journal, shape, NodeAssembly.ScoreJobs);
        _books = new BookKeeping(journal, shape.Coordinator());
        _views = new WorkerViews(journal, shape);
        for (var node = 0; node < shape.RolloutNodes; node++) Add(new NodeId($"rollout-{node}"), NodeKind.Rollout);
        for (var node = 0; node < shape.Scorers; node++) Add(new NodeId($"scorer-{node}"), NodeKind.Scorer);
        LearnerNode = Add(NodeAssembly.Learner, NodeKind.Learner);
        LearnerNode.Disk = parts.Disk();
    }

    /// <summary>The simulation.</summary>
    public SimulationHost Host { get; }

    /// <summary>The nodes' way to each other.</summary>
    public SimulatedNetwork Network { get; }

    /// <summary>What the run reported.</summary>
    public History History => _history;

    /// <summary>Every node there has been.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>The learner's node.</summary>
    public SimulatedNode LearnerNode { get; }

    /// <summary>The rules of the learner's life under way, if there is one.</summary>
    public CoordinatorRules? Rules => _books.Rules;

    /// <summary>A new node, down.</summary>
    public SimulatedNode Add(NodeId id, NodeKind kind)
    {
        var node = new SimulatedNode(id, kind);
        node.EngineFaults.Met = what => _journal.Count($"fault:{what}");
        node.ToolFaults.Met = what => _journal.Count($"fault:{what}");
        _nodes.Add(node);
        return node;
    }

    /// <summary>Starts a node's process.</summary>
    public void Start(SimulatedNode node)
    {
        var process = node.Process = new SimulatedProcess(node.Id, ++node.Disk.Processes);
        _journal.Trace("start", (ulong)process.Number);
        _journal.Say(node.Id.Value, process.Number == 1 ? "starts" : $"starts again, process {process.Number}");
        if (process.Number > 1) _journal.Count($"path:restarted:{node.Kind}");
        if (node.Kind == NodeKind.Learner) _history.Resume();
        node.Clock = new VirtualTime(Host);
        var engine = node.Engine = _parts.Engine(Host, Host.Streams.Of("engine", process.Root), _shape.Engines, node);
        node.Tools = new SimulatedEpisodeHost(Host, Host.Streams.Of("tools", process.Root), _shape.ToolSeconds, NodeAssembly.Format.ToolTimeoutReply, node.ToolFaults);
        var fabric = _parts.Fabric(node, Network.Join(process, watches: node.Kind == NodeKind.Learner));
        var tap = new NodeTap(node, process, _journal, Check);
        var transport = new SimulatedWeightTransport(Host, _journal, Network, process, _shelves) { Offered = (image, bytes) => { if (node.Kind == NodeKind.Learner && image.Since == null) _lineage.Offer(image.Epoch, image.Version, bytes, engine); } };
        var assembly = new NodeAssembly(_shape, node, process, fabric, transport, tap);
        var roles = node.Kind == NodeKind.Learner ? NodeAssembly.LearnerRole(Learner(node, process, fabric, transport, tap)) : assembly.Worker(line =>
        {
            if (process.IsAlive) _history.OnNotice(node.Id.Value, line);
        });
        process.Actor = _system.ActorOf(Props.Create(() => new NodeActor(fabric, roles)), process.Root);
    }

    /// <summary>A node ends its leases and leaves for good.</summary>
    public void Drain(SimulatedNode node, TimeSpan grace)
    {
        if (node.Process is not { } process) return;
        process.Actor!.Tell(new NodeActor.Drain(grace, () => Host.After(TimeSpan.Zero, () =>
        {
            if (node.Process != process) return;
            _journal.Count("path:drained");
            Kill(node);
            Network.Left(node.Id);
        })));
    }

    /// <summary>Kills a node's process; what is on its disk stays.</summary>
    public void Kill(SimulatedNode node)
    {
        if (node.Process is not { } process) return;
        _journal.Trace("kill", (ulong)process.Number);
        _journal.Say(node.Id.Value, "its process dies");
        process.Die();
        node.Engine!.Dispose();
        node.Tools!.Dispose();
        node.Process = null;
        if (node.Kind == NodeKind.Learner) _books.Rules = null;
        Host.Kill(process.Root, ((IInternalActorRef)process.Actor!).Stop); // the system's own Stop would ask the guardian, which takes a while
        Network.Died(process);
    }

    private LearnerSettings Learner(SimulatedNode node, SimulatedProcess process, IFabric fabric, IWeightTransport transport, IMessageTap tap) => new()
    {
        Coordinator = _parts.Coordinator(_shape.Coordinator()),
        Learning = _shape.Learning(),
        Fabric = fabric,
        Engine = node.Engine!,
        Transport = transport,
        Spread = new WeightSpreadOptions { RangeBytes = 12, PullsFromLearner = 1, PullsFromPeer = 1, PullLimit = TimeSpan.FromMilliseconds(_shape.DownloadTimeoutMs), Deltas = true },
        ScoreJobs = NodeAssembly.ScoreJobs,
        Observer = _history,
        Checkpoints = new SimulatedCheckpoints(Host, node.Disk, Host.Streams.Of("disk", process.Root), () => process.IsAlive)
        {
            AcknowledgesEarly = _parts.AcknowledgesEarly,
            Met = _journal.Count,
            HalfWay = _ => DieIfPlanned(node, process),
            Acknowledged = checkpoint => _journal.Say("learner", $"checkpoint {checkpoint.Version} of epoch {checkpoint.Epoch} is acknowledged"),
            Broken = text => _journal.Violate("an acknowledged checkpoint is kept", text),
        },
        Time = node.Clock!,
        InitialWeights = HashPolicy.ToBytes(HashPolicy.Initial),
        Recipe = "simulated",
        Resume = true,
        Lives = new LearnerLives(_parts.LastEpoch(node), epoch => node.Disk.LastEpoch = Math.Max(node.Disk.LastEpoch, epoch.Value)),
        Tap = tap,
        Rules = (life, ledger) => _books.Rules = _parts.Rules(life, ledger),
    };

    private void DieIfPlanned(SimulatedNode node, SimulatedProcess process)
    {
        if (!node.DiesAtNextCheckpoint || !process.IsAlive) return;
        node.DiesAtNextCheckpoint = false;
        _journal.Count("fault:torn-checkpoint");
        Kill(node);
        Host.After(TimeSpan.FromSeconds(1), () => { if (node.Process == null) Start(node); });
    }

    private void Check(SimulatedNode node, string actor, object message)
    {
        switch (actor, message)
        {
            case ("coordinator", _): _books.Check(); break;
            case ("episode", _): _views.Check(node); break;
            case ("rollout-worker" or "scorer", WeightsApplied applied): _views.Applied(node.Process!, applied); break;
            case ("learner", TrainBatch batch): _lineage.Check(batch); break;
        }
    }
}
