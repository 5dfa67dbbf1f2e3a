using System.Globalization;
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Actors.Weights;
using Distributed.Protocol;
using Distributed.Simulation.Host;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Network;

/// <summary>
/// The nodes' way to each other: every message becomes its wire bytes, takes a while, keeps its link's order and arrives, unless a <see cref="LinkFault"/> has
/// it otherwise. Only nodes that ask for it hear of who comes and goes: with thousands of nodes the others' joins would be millions of messages that nobody reads.
/// </summary>
public sealed class SimulatedNetwork(SimulationHost host, RunJournal journal, LinkModel model)
{
    private readonly SortedDictionary<NodeId, SimulatedProcess> _processes = [];
    private readonly SortedSet<NodeId> _watchers = [];
    private readonly Dictionary<(NodeId, NodeId), Link> _links = [];
    private readonly List<LinkFault> _faults = [];

    /// <summary>What a healthy link is like.</summary>
    public LinkModel Model => model;

    /// <summary>Called with every message right before it is delivered; returns what is delivered instead.</summary>
    public Func<NodeId, WireEnvelope, IEnumerable<WireEnvelope>> Deliver { get; set; } = static (_, envelope) => [envelope];

    /// <summary>Called with every message right after it was sent.</summary>
    public Action<NodeId, NodeId, IWireMessage> Sent { get; set; } = static (_, _, _) => { };

    /// <summary>Messages sent so far.</summary>
    public long Messages { get; private set; }

    /// <summary>A process's view of the network.</summary>
    /// <param name="process">The process.</param>
    /// <param name="watches">Whether it hears of who comes and goes.</param>
    public IFabric Join(SimulatedProcess process, bool watches)
    {
        _processes[process.Node] = process;
        if (watches) _watchers.Add(process.Node);
        return new View(this, process);
    }

    /// <summary>A process that runs now, or null.</summary>
    public SimulatedProcess? Find(NodeId node) => _processes.GetValueOrDefault(node) is { IsAlive: true } process ? process : null;

    /// <summary>A process has died: the others hear of it when it has been silent for long enough.</summary>
    public void Died(SimulatedProcess process) => Later(model.DetectionSeconds, () =>
    {
        if (_processes.GetValueOrDefault(process.Node) == process) TellOthers(process.Node, new NodeLeft(process.Node));
    });

    /// <summary>A node has said that it leaves.</summary>
    public void Left(NodeId node) => TellOthers(node, new NodeLeft(node));

    /// <summary>A node stands still: when it has been silent for long enough it counts as unreachable, until <see cref="Spoke"/>.</summary>
    public void WentSilent(NodeId node, Func<bool> stillSilent) => Later(model.DetectionSeconds, () =>
    {
        if (stillSilent()) TellOthers(node, new NodeUnreachable(node));
    });

    /// <summary>A silent node is heard of again.</summary>
    public void Spoke(NodeId node) => TellOthers(node, new NodeJoined(node));

    /// <summary>A fault begins.</summary>
    public void Add(LinkFault fault)
    {
        _faults.Add(fault);
        if (fault.Blocked) Later(model.DetectionSeconds, () => { if (_faults.Contains(fault)) TellReachability(fault, cut: true); });
    }

    /// <summary>A fault ends.</summary>
    public void Remove(LinkFault fault)
    {
        if (!_faults.Remove(fault) || !fault.Blocked) return;
        Later(model.LatencySeconds, () => TellReachability(fault, cut: false));
    }

    /// <summary>What is wrong with a link now.</summary>
    public IEnumerable<LinkFault> FaultsOf(NodeId from, NodeId to) => _faults.Count == 0 ? [] : _faults.Where(fault => fault.Applies(from, to));

    /// <summary>Time a message or answer takes on a link now, seconds.</summary>
    /// <param name="from">Sender.</param>
    /// <param name="to">Receiver.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="stream">Draws the jitter; a whole cluster's transfers would have too many links for a stream each.</param>
    public double DelayOf(NodeId from, NodeId to, double bytes, RandomStream stream)
    {
        var seconds = model.LatencySeconds + stream.Exponential(model.JitterSeconds);
        var slowdown = 1.0;
        if (_faults.Count > 0)
            foreach (var fault in FaultsOf(from, to)) (seconds, slowdown) = (seconds + fault.DelaySeconds, Math.Max(slowdown, fault.Slowdown));
        return seconds + bytes * slowdown / model.BytesPerSecond;
    }

    private void Attach(SimulatedProcess process, IActorRef actor)
    {
        (process.Actor, process.Attached) = (actor, true);
        TellOthers(process.Node, new NodeJoined(process.Node));
        if (!_watchers.Contains(process.Node)) return;
        foreach (var other in _processes.Values)
            if (other is { IsAlive: true, Attached: true } && other.Node != process.Node) actor.Tell(new NodeJoined(other.Node));
    }

    private void Tell(SimulatedProcess sender, NodeId to, IWireMessage message)
    {
        if (!sender.IsAlive) return;
        Messages++;
        var from = sender.Node;
        var link = LinkOf(from, to);
        var (manifest, bytes) = model.Serialize ? (WireCodec.ManifestOf(message), WireCodec.Encode(message)) : ("", []);
        journal.Trace(manifest, Manifests.Crc32C(bytes));
        if (journal.Details) journal.Detail(from.Value, $"-> {to.Value} {Describe(message)}");
        Sent(from, to, message);
        var copies = 1;
        var seconds = DelayOf(from, to, bytes.Length, link.Delays);
        var inOrder = true;
        foreach (var fault in FaultsOf(from, to))
        {
            if (fault.Blocked || (fault.Loss > 0 && link.Losses.Chance(fault.Loss)))
            {
                journal.Count(fault.Blocked ? "fault:partition" : "fault:loss");
                journal.Detail(to.Value, $"lost: {Describe(message)} from {from.Value}");
                return;
            }

            if (fault.Duplication > 0 && link.Losses.Chance(fault.Duplication))
            {
                journal.Count("fault:duplication");
                copies++;
            }

            if (fault.ReorderSeconds > 0)
            {
                journal.Count("fault:reordering");
                seconds += link.Delays.Between(0, fault.ReorderSeconds);
                inOrder = false;
            }

            if (fault.DelaySeconds > 0 || fault.Slowdown > 1) journal.Count("fault:slow-link");
        }

        for (var copy = 0; copy < copies; copy++)
        {
            var at = host.NowTicks + TimeSpan.FromSeconds(seconds * (copy + 1)).Ticks;
            if (inOrder && copy == 0) link.LastArrival = at = Math.Max(at, link.LastArrival + 1);
            host.After(TimeSpan.FromTicks(at - host.NowTicks), () => Arrive(from, to, manifest, bytes, message));
        }
    }

    private void Arrive(NodeId from, NodeId to, string manifest, byte[] bytes, IWireMessage message)
    {
        if (Find(to) is not { Attached: true, Actor: { } actor }) return;
        var decoded = model.Serialize ? WireCodec.Decode(manifest, bytes) : message;
        foreach (var envelope in Deliver(to, new WireEnvelope(from, decoded))) actor.Tell(envelope);
    }

    private void TellOthers(NodeId about, object message)
    {
        foreach (var watcher in _watchers)
            if (watcher != about && Find(watcher) is { Attached: true, Actor: { } actor }) Later(model.LatencySeconds, () => actor.Tell(message));
    }

    // Who cannot hear a node takes it for unreachable; when the link is whole again it is here again.
    private void TellReachability(LinkFault fault, bool cut)
    {
        foreach (var watcher in _watchers.ToArray())
        {
            foreach (var process in _processes.Values.ToArray())
            {
                if (process.Node == watcher || !process.IsAlive || !fault.Applies(process.Node, watcher) || Find(watcher)?.Actor is not { } actor) continue;
                actor.Tell(cut ? new NodeUnreachable(process.Node) : new NodeJoined(process.Node));
                journal.Count(cut ? "path:unreachable" : "path:reachable-again");
            }
        }
    }

    private void Later(double seconds, Action action) => host.After(TimeSpan.FromSeconds(seconds), action);

    private Link LinkOf(NodeId from, NodeId to)
    {
        if (_links.TryGetValue((from, to), out var link)) return link;
        var owner = $"{from.Value}>{to.Value}";
        return _links[(from, to)] = new Link(host.Streams.Of("link-delay", owner), host.Streams.Of("link-loss", owner));
    }

    /// <summary>A message in a few words.</summary>
    public static string Describe(IWireMessage message) => message switch
    {
        WorkerReady m => Text($"WorkerReady {m.Role} life {m.Incarnation.Value} epoch {m.Epoch.Value} version {m.Version.Value}"),
        RolloutLeaseGranted m => Text($"RolloutLeaseGranted lease {m.Lease.Value} epoch {m.Epoch.Value} slot {m.Job.Slot} attempt {m.Attempt}"),
        RolloutCompleted m => Text($"RolloutCompleted lease {m.Lease.Value} epoch {m.Epoch.Value} slot {m.Trajectory.Slot} {m.Trajectory.End}"),
        ScoreLeaseGranted m => Text($"ScoreLeaseGranted lease {m.Lease.Value} epoch {m.Epoch.Value} slot {m.Job.Slot} attempt {m.Attempt}"),
        ScoreCompleted m => Text($"ScoreCompleted lease {m.Lease.Value} epoch {m.Epoch.Value} slot {m.Slot} by version {m.Scores.ScoredBy.Value}"),
        LeaseFailed m => Text($"LeaseFailed lease {m.Lease.Value} epoch {m.Epoch.Value}{(m.Declined ? " declined" : "")}: {m.Reason}"),
        LeaseSettled m => Text($"LeaseSettled lease {m.Lease.Value} epoch {m.Epoch.Value}"),
        PolicyPublished m => Text($"PolicyPublished epoch {m.Epoch.Value} version {m.Version.Value}"),
        PolicyWanted m => Text($"PolicyWanted, has epoch {m.Epoch.Value} version {m.Version.Value}"),
        _ => message.GetType().Name,
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class Link(RandomStream delays, RandomStream losses)
    {
        public RandomStream Delays => delays;

        public RandomStream Losses => losses;

        public long LastArrival { get; set; }
    }

    private sealed class View(SimulatedNetwork network, SimulatedProcess process) : IFabric
    {
        public NodeId Self => process.Node;

        public void Tell(NodeId to, IWireMessage message) => network.Tell(process, to, message);

        public void Attach(IActorRef node) => network.Attach(process, node);
    }
}
