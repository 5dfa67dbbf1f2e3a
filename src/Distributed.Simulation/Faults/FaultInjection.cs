using Distributed.Protocol;
using Distributed.Simulation.Network;
using Distributed.Simulation.Runs;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Faults;

/// <summary>Makes a plan's faults happen to a cluster, and heals them all.</summary>
public sealed class FaultInjection(SimulatedCluster cluster, RunJournal journal)
{
    private readonly List<Action> _healing = [];
    private bool _healed;

    /// <summary>Puts every fault of a plan, and the healing, onto the clock.</summary>
    public void Schedule(FaultPlan plan)
    {
        foreach (var fault in plan.Faults)
            if (fault.At < plan.HealAt) cluster.Host.After(TimeSpan.FromSeconds(fault.At), () => Begin(fault));
        cluster.Host.After(TimeSpan.FromSeconds(plan.HealAt), Heal);
    }

    /// <summary>Everything is well again, and what is down comes up.</summary>
    public void Heal()
    {
        _healed = true;
        journal.Say("*", "everything heals");
        foreach (var heal in _healing.ToArray()) heal();
        foreach (var node in cluster.Nodes)
        {
            node.Crashes.Clear();
            node.DiesAtNextCheckpoint = false;
            if (node is { Process: null, HasLeft: false }) cluster.Start(node);
        }
    }

    private void Begin(PlannedFault fault)
    {
        journal.Trace(fault.Kind);
        journal.Say(fault.Node, $"fault: {fault.ToString()[11..]}");
        switch (fault.Kind)
        {
            case FaultKinds.Loss: OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { Loss = fault.Amount }); break;
            case FaultKinds.Duplication: OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { Duplication = fault.Amount }); break;
            case FaultKinds.Reordering: OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { ReorderSeconds = fault.Amount }); break;
            case FaultKinds.SlowLink: OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { DelaySeconds = fault.Amount / 10, Slowdown = 1 + 1000 * fault.Amount }); break;
            case FaultKinds.BrokenTransfers: OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { BrokenTransfers = fault.Amount }); break;
            case FaultKinds.CorruptTransfers: OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { CorruptTransfers = fault.Amount }); break;
            case FaultKinds.OneWayPartition: OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { Blocked = true }); break;
            case FaultKinds.Partition:
                OnLink(fault, new LinkFault(fault.Node, fault.Peer!) { Blocked = true });
                OnLink(fault, new LinkFault(fault.Peer!, fault.Node) { Blocked = true });
                break;
            case FaultKinds.RollingRestart: RollingRestart(fault); break;
            case FaultKinds.Join: Join(fault); break;
            default: OnNodes(fault); break;
        }
    }

    private void OnNodes(PlannedFault fault)
    {
        foreach (var node in cluster.Nodes.Where(node => fault.Node is "*" || node.Id.Value == fault.Node).ToArray())
        {
            var (engine, tools, disk) = (node.EngineFaults, node.ToolFaults, node.Disk);
            switch (fault.Kind)
            {
                case FaultKinds.EngineError: During(fault, () => engine.Refused[fault.What!] = "simulated: out of memory", () => engine.Refused.Remove(fault.What!)); break;
                case FaultKinds.EngineHang: During(fault, () => engine.Silent.Add(fault.What!), () => engine.Silent.Remove(fault.What!)); break;
                case FaultKinds.SlowEngine: During(fault, () => engine.Slowdown = fault.Amount, () => engine.Slowdown = 1); break;
                case FaultKinds.NanLoss: During(fault, () => engine.TrainingIsNaN = true, () => engine.TrainingIsNaN = false); break;
                case FaultKinds.NanScore: During(fault, () => engine.ScoresAreNaN = true, () => engine.ScoresAreNaN = false); break;
                case FaultKinds.PoisonedJob: During(fault, () => engine.PoisonedPrompt = Prompt(fault), () => engine.PoisonedPrompt = null); break;
                case FaultKinds.ToolThrows: During(fault, () => tools.Throw = true, () => tools.Throw = false); break;
                case FaultKinds.ToolHang: During(fault, () => tools.Hang = true, () => tools.Hang = false); break;
                case FaultKinds.SlowTool: During(fault, () => tools.Slowdown = fault.Amount, () => tools.Slowdown = 1); break;
                case FaultKinds.DiskFull: During(fault, () => disk.Full = "simulated: no space left on device", () => disk.Full = null); break;
                case FaultKinds.SlowDisk: During(fault, () => disk.Slowdown = fault.Amount, () => disk.Slowdown = 1); break;
                case FaultKinds.DiskHang: During(fault, () => disk.Hangs = true, () => disk.Hangs = false); break;
                case FaultKinds.TornCheckpoint: node.DiesAtNextCheckpoint = true; break;
                case FaultKinds.Crash: Crash(node, fault.Seconds); break;
                case FaultKinds.Pause: Pause(node, fault); break;
                case FaultKinds.ClockJump: Jump(node, fault.Amount); break;
                case FaultKinds.ActorCrash: node.Crashes.Add(new PlannedCrash(fault.What!, (int)fault.Amount)); break;
                case FaultKinds.Leave: Leave(node, fault.Seconds); break;
            }
        }
    }

    private static int[] Prompt(PlannedFault fault) =>
        new CharacterTokenizer().Encode(DigitEnvironment.PromptOf(Ports.Split.Train, (long)fault.Amount % DigitEnvironment.TrainProblems));

    private void Crash(SimulatedNode node, double downSeconds)
    {
        if (node.Process == null) return;
        journal.Count($"fault:crash:{node.Kind}");
        cluster.Kill(node);
        cluster.Host.After(TimeSpan.FromSeconds(downSeconds), () => { if (node is { Process: null, HasLeft: false }) cluster.Start(node); });
    }

    private void RollingRestart(PlannedFault fault)
    {
        journal.Count("fault:rolling-restart");
        var delay = 0.0;
        foreach (var node in cluster.Nodes.ToArray())
        {
            cluster.Host.After(TimeSpan.FromSeconds(delay), () => { if (!_healed) Crash(node, fault.Seconds); });
            delay += fault.Seconds + 0.2;
        }
    }

    private void Pause(SimulatedNode node, PlannedFault fault)
    {
        if (node.Process is not { } process) return;
        journal.Count($"fault:pause:{node.Kind}");
        var silent = true;
        cluster.Network.WentSilent(node.Id, () => silent && process.IsAlive);
        During(fault, () => cluster.Host.Pause(process.Root), () =>
        {
            silent = false;
            if (!process.IsAlive) return;
            cluster.Host.Resume(process.Root);
            cluster.Network.Spoke(node.Id);
        });
    }

    private void Jump(SimulatedNode node, double seconds)
    {
        if (node.Clock is not { } clock) return;
        journal.Count("fault:clock-jump");
        clock.Ahead += TimeSpan.FromSeconds(seconds);
    }

    private void Join(PlannedFault fault)
    {
        if (cluster.Nodes.Any(node => node.Id.Value == fault.Node)) return;
        journal.Count("fault:join");
        cluster.Start(cluster.Add(new NodeId(fault.Node), fault.Node.StartsWith("scorer", StringComparison.Ordinal) ? NodeKind.Scorer : NodeKind.Rollout));
    }

    // The last node of its kind stays: without it no run could end.
    private void Leave(SimulatedNode node, double grace)
    {
        if (node.HasLeft || node.Kind == NodeKind.Learner || cluster.Nodes.Count(other => other.Kind == node.Kind && !other.HasLeft) < 2) return;
        journal.Count("fault:leave");
        node.HasLeft = true;
        if (grace > 0)
        {
            cluster.Drain(node, TimeSpan.FromSeconds(grace));
            return;
        }

        if (node.Process != null) cluster.Kill(node);
        cluster.Network.Left(node.Id);
    }

    private void OnLink(PlannedFault fault, LinkFault link) => During(fault, () => cluster.Network.Add(link), () => cluster.Network.Remove(link));

    private void During(PlannedFault fault, Action begin, Action end)
    {
        begin();
        void Once()
        {
            if (_healing.Remove(Once)) end();
        }

        _healing.Add(Once);
        cluster.Host.After(TimeSpan.FromSeconds(fault.Seconds), Once);
    }
}
