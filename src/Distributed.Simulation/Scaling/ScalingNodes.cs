using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Ports;
using Distributed.Protocol;
using Distributed.Simulation.Host;
using Distributed.Simulation.Network;
using Distributed.Simulation.Runs;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Scaling;

/// <summary>What a node of a scaling experiment does.</summary>
internal enum ScalingRole
{
    Rollout,
    Scorer,
    Learner,
}

/// <summary>A node of a scaling experiment.</summary>
internal sealed class ScalingNode(NodeId id, ScalingRole role, RandomStream failures)
{
    private double _earlier;
    private double _mark;

    public NodeId Id => id;

    public ScalingRole Role => role;

    public RandomStream Failures => failures;

    public int Processes { get; set; }

    public SimulatedProcess? Process { get; set; }

    public CostEngine? Engine { get; set; }

    public SimulatedEpisodeHost? Tools { get; set; }

    public IFabric? Fabric { get; set; }

    public NodeRoles? Roles { get; set; }

    /// <summary>Seconds of work since <see cref="MarkBusy"/>: of every episode place together for a rollout node.</summary>
    public double BusySeconds => Total - _mark;

    private double Total => _earlier + (Engine == null ? 0 : role == ScalingRole.Rollout ? Engine.EpisodeSeconds : Engine.ComputeSeconds);

    public void MarkBusy() => _mark = Total;

    public void EndProcess()
    {
        Engine!.Dispose();
        Tools!.Dispose();
        _earlier = Total;
        Engine = null;
    }
}

/// <summary>Builds the processes of a scaling experiment.</summary>
internal sealed class ScalingNodes
{
    private static readonly TimeSpan Download = TimeSpan.FromHours(4);
    private static readonly byte[] Weights = new byte[CostEngine.Bytes];
    private readonly SimulationHost _host;
    private readonly ScalingCase _case;
    private readonly ScalingMeter _meter;
    private readonly RunJournal _journal;
    private readonly CostWorld _world;
    private readonly SimulatedDisk _disk = new();

    public ScalingNodes(SimulationHost host, ScalingCase experiment, ScalingMeter meter)
    {
        (_host, _case, _meter) = (host, experiment, meter);
        _journal = new RunJournal(host);
        _world = new CostWorld(experiment.Costs);
        Shelves = new WeightShelves(experiment.Costs.WeightBytes / CostEngine.Bytes, ideal: experiment.Spread == WeightSpread.Ideal);
        Network = new SimulatedNetwork(host, _journal, new LinkModel
        {
            LatencySeconds = experiment.Costs.LatencySeconds,
            JitterSeconds = experiment.Costs.LatencySeconds / 2,
            BytesPerSecond = experiment.Costs.LinkBytesPerSecond,
            UplinkBytesPerSecond = experiment.Costs.UplinkBytesPerSecond,
            DetectionSeconds = 10,
            Serialize = false,
        });
    }

    public static NodeId Learner { get; } = new("learner");

    public SimulatedNetwork Network { get; }

    public string Trace => _journal.TraceHash;

    public WeightShelves Shelves { get; }

    // Workers of large clusters speak less often: twenty messages a second are enough for the learner's node.
    private TimeSpan Announce => TimeSpan.FromSeconds(Math.Max(30, (_case.Nodes + _case.Scorers) / 20.0));

    // One range a version, but for the ideal tree, where a node passes on what it has before it has all of it.
    private WeightSpreadOptions SpreadOptions => _case.Spread switch
    {
        WeightSpread.Peers => new WeightSpreadOptions { RangeBytes = CostEngine.Bytes, PullLimit = Download },
        WeightSpread.Ideal => WeightSpreadOptions.InProcess with { RangeBytes = CostEngine.Bytes / 4 },
        _ => WeightSpreadOptions.InProcess with { RangeBytes = CostEngine.Bytes },
    };

    public SimulatedProcess Start(ScalingNode node)
    {
        var process = node.Process = new SimulatedProcess(node.Id, ++node.Processes);
        node.Engine = new CostEngine(_host, _case.Costs);
        node.Tools = new SimulatedEpisodeHost(_host, _host.Streams.Of("tools", process.Root), _case.Costs.ToolSeconds, _world.Format.ToolTimeoutReply, new ToolFaults()) { Sigma = _case.Costs.ToolSigma };
        node.Fabric = Network.Join(process, watches: node.Role == ScalingRole.Learner);
        var transport = new SimulatedWeightTransport(_host, _journal, Network, process, Shelves);
        node.Roles = node.Role == ScalingRole.Learner
            ? new NodeRoles(null, null, null, LearnerProps(LearnerRole(node, process, transport)))
            : Worker(node, process, transport);
        return process;
    }

    private static Props LearnerProps(LearnerSettings settings) => Props.Create(() => new LearnerNodeActor(settings));

    private NodeRoles Worker(ScalingNode node, SimulatedProcess process, IWeightTransport transport)
    {
        var weights = new WeightReceiverSettings
        {
            Fabric = node.Fabric!,
            Learner = Learner,
            Engine = node.Engine!,
            Transport = transport,
            Notice = static _ => { },
            AskAgain = Announce,
            DownloadTimeout = Download,
        };
        var incarnations = new IncarnationSource(process.Number * 1_000_000L);
        var receiver = Props.Create(() => new WeightReceiverActor(weights));
        if (node.Role == ScalingRole.Scorer)
        {
            var scorer = new ScorerSettings { Fabric = node.Fabric!, Learner = Learner, Engine = node.Engine!, Capacity = 16, Incarnations = incarnations, Announce = Announce };
            return new NodeRoles(null, Props.Create(() => new ScorerActor(scorer)), receiver, null);
        }

        var rollout = new RolloutSettings
        {
            Fabric = node.Fabric!,
            Learner = Learner,
            Engine = node.Engine!,
            Tokenizer = _world,
            Environment = _world,
            Episodes = node.Tools!,
            Sampling = new SamplingOptions(),
            Capacity = _case.Costs.EpisodesPerNode,
            Incarnations = incarnations,
            Announce = Announce,
        };
        return new NodeRoles(Props.Create(() => new RolloutWorkerActor(rollout)), null, receiver, null);
    }

    private LearnerSettings LearnerRole(ScalingNode node, SimulatedProcess process, IWeightTransport transport) => new()
    {
        Coordinator = _case.Coordinator(),
        Learning = _case.Learning(),
        Fabric = node.Fabric!,
        Engine = node.Engine!,
        Transport = transport,
        Spread = SpreadOptions,
        ScoreJobs = new ScoreJobBuilder(_world, _world.Format.AnswerPrefix, _world.Format.AnswerSuffix, allAliases: false),
        Observer = new WhileAlive(process, _meter),
        Checkpoints = new SimulatedCheckpoints(_host, _disk, _host.Streams.Of("disk", process.Root), () => process.IsAlive) { SaveSeconds = _case.Costs.CheckpointSeconds },
        Time = _host.Time,
        InitialWeights = Weights,
        Recipe = "scaling",
        Resume = true,
        MaxLives = int.MaxValue,
        Lives = new LearnerLives(_disk.LastEpoch, epoch => _disk.LastEpoch = epoch.Value),
    };

    // What a learner's process has reported when it dies stands.
    private sealed class WhileAlive(SimulatedProcess process, IRunObserver inner) : IRunObserver
    {
        public void OnStarted(PolicyVersion version, LearnerEpoch epoch) => inner.OnStarted(version, epoch);

        public void OnStep(StepFinished step)
        {
            if (process.IsAlive) inner.OnStep(step);
        }

        public void OnEvaluation(EvaluationFinished evaluation) => inner.OnEvaluation(evaluation);

        public void OnNotice(string line) => inner.OnNotice(line);

        public void OnEnded(RunEnded ended, string? error)
        {
            if (process.IsAlive) inner.OnEnded(ended, error);
        }
    }
}
