using System.Globalization;
using Akka.Actor;
using Distributed.Actors;
using Distributed.Protocol;
using Distributed.Simulation.Host;

namespace Distributed.Simulation.Scaling;

/// <summary>Runs the real actors over a cost model and measures what a planner wants to know.</summary>
public static class ScalingRun
{
    /// <summary>Runs a case to its end.</summary>
    /// <param name="experiment">The case.</param>
    /// <param name="cancel">Ends it early by throwing.</param>
    public static ScalingResult Of(ScalingCase experiment, CancellationToken cancel = default)
    {
        using var host = new SimulationHost(experiment.Seed);
        var meter = new ScalingMeter(host);
        var cluster = new ScalingCluster(host, experiment, meter);
        cluster.StartAll();
        var limit = TimeSpan.FromHours(experiment.Hours);
        while (!meter.IsOver && host.Now < limit)
        {
            cancel.ThrowIfCancellationRequested();
            var next = host.Now + TimeSpan.FromMinutes(10);
            host.RunUntil(() => meter.IsOver, next < limit ? next : limit);
        }

        if (meter.Error is { } error) throw new InvalidOperationException($"the simulated run failed: {error}");
        return cluster.Result();
    }
}

/// <summary>The nodes of a scaling experiment, with failures drawn per node.</summary>
internal sealed class ScalingCluster
{
    private readonly SimulationHost _host;
    private readonly ScalingCase _case;
    private readonly ScalingMeter _meter;
    private readonly ScalingNodes _parts;
    private readonly List<ScalingNode> _nodes = [];
    private readonly ActorSystem _system;
    private long _failures;

    public ScalingCluster(SimulationHost host, ScalingCase experiment, ScalingMeter meter)
    {
        (_host, _case, _meter) = (host, experiment, meter);
        _system = host.CreateSystem("scaling");
        _parts = new ScalingNodes(host, experiment, meter);
        for (var node = 0; node < experiment.Nodes; node++) _nodes.Add(new ScalingNode(new NodeId($"rollout-{node}"), ScalingRole.Rollout, host.Streams.Of("failures", $"rollout-{node}")));
        for (var node = 0; node < experiment.Scorers; node++) _nodes.Add(new ScalingNode(new NodeId($"scorer-{node}"), ScalingRole.Scorer, host.Streams.Of("failures", $"scorer-{node}")));
        _nodes.Add(new ScalingNode(ScalingNodes.Learner, ScalingRole.Learner, host.Streams.Of("failures", "learner")));
    }

    public void StartAll()
    {
        foreach (var node in _nodes) Start(node);
        _meter.FirstStep = () =>
        {
            foreach (var node in _nodes) node.MarkBusy();
        };
    }

    public ScalingResult Result()
    {
        var since = _host.Now - _meter.Since;
        var seconds = Math.Max(1e-9, since.TotalSeconds);
        double Busy(ScalingRole role, double places) => _nodes.Where(node => node.Role == role).Sum(node => node.BusySeconds) / seconds / places;
        var learner = _nodes[^1];
        var upload = _parts.Shelves.Totals(learner.Id);
        return new ScalingResult(
            _case,
            StepsDone: _meter.Version,
            VirtualHours: _host.Now.TotalHours,
            RolloutsPerHour: _meter.Rollouts / since.TotalHours,
            TokensPerSecond: _meter.Tokens / seconds,
            RolloutBusy: Busy(ScalingRole.Rollout, (double)_case.Nodes * _case.Costs.EpisodesPerNode),
            ScorerBusy: Busy(ScalingRole.Scorer, _case.Scorers),
            LearnerBusy: Busy(ScalingRole.Learner, 1),
            UploadBusy: Math.Min(1, upload.BusySeconds / Math.Max(1e-9, _host.Now.TotalSeconds)), // what waits in its queue at the end is booked too
            LearnerUploadBytes: upload.SentBytes / Math.Max(1, _meter.StepsTrained),
            StalenessMean: _meter.Rollouts == 0 ? 0 : _meter.AgeSum / _meter.Rollouts,
            StalenessMax: _meter.AgeMax,
            StalenessShares: string.Join(" ", _meter.Ages.Select(age => string.Create(CultureInfo.InvariantCulture, $"{age.Key}:{100.0 * age.Value / _meter.Rollouts:0}%"))),
            Dropped: _meter.Dropped,
            Failures: _failures,
            StepsLost: _meter.StepsTrained - _meter.Version,
            Messages: _host.Steps,
            Trace: _parts.Trace);
    }

    private void Start(ScalingNode node)
    {
        var process = _parts.Start(node);
        var (fabric, roles) = (node.Fabric!, node.Roles!);
        process.Actor = _system.ActorOf(Props.Create(() => new NodeActor(fabric, roles)), process.Root);
        if (_case.MtbfHours <= 0) return;
        _host.After(TimeSpan.FromHours(node.Failures.Exponential(_case.MtbfHours)), () => Fail(node));
    }

    private void Fail(ScalingNode node)
    {
        if (_meter.IsOver) return;
        _failures++;
        var process = node.Process!;
        process.Die();
        node.EndProcess();
        _host.Kill(process.Root, ((IInternalActorRef)process.Actor!).Stop);
        _parts.Network.Died(process);
        _parts.Shelves.Forget(process);
        _host.After(TimeSpan.FromSeconds(_case.Costs.RestartSeconds), () =>
        {
            if (!_meter.IsOver) Start(node);
        });
    }
}
