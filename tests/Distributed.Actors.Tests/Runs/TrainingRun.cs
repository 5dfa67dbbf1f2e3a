using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Tests.Fakes;
using Distributed.Actors.Weights;
using Distributed.Credit;
using Distributed.Environments.Hosting;
using Distributed.Fabric.Local;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Runs;

/// <summary>A small whole run in one process, every message through its wire bytes. Defaults: 2 rollout nodes, 1 scorer, 4 synchronous steps.</summary>
public sealed record TrainingRun
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    public int RolloutNodes { get; init; } = 2;

    public int Scorers { get; init; } = 1;

    public CoordinatorOptions Options { get; init; } = new()
    {
        Seed = 11,
        Steps = 4,
        PromptsPerStep = 2,
        GroupSize = 3,
        TrainProblems = 7,
        EvaluationQuestions = 5,
        EvaluationEverySteps = 2,
        LeaseTimeoutMs = 3_000,
        StallTimeoutMs = 15_000,
        TickMs = 20,
    };

    public LearningOptions Learning { get; init; } = new()
    {
        Estimator = new A2tgpo(new A2tgpoOptions()),
        Loss = new PolicyLossOptions(PolicyLossKind.Turn),
        Optimizer = step => new OptimizerOptions(step / 100f),
        MiniBatches = 2,
        CheckpointEverySteps = 2,
    };

    public CrashTap Tap { get; init; } = new();

    public MemoryCheckpoints Store { get; init; } = new();

    public bool Resume { get; init; }

    public int MaxLives { get; init; } = 10;

    public DigitEnvironment Environment { get; init; } = new();

    public Func<string, HashEngine> Engine { get; init; } = _ => new HashEngine();

    public Func<IWeightTransport, IWeightTransport> Transport { get; init; } = transport => transport;

    /// <summary>The transport of each node by name, where nodes have their own.</summary>
    public Func<string, IWeightTransport>? NodeTransport { get; init; }

    public WeightSpreadOptions Spread { get; init; } = new() { RangeBytes = 12 };

    public TimeSpan DownloadTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Called when everything has started, with the means to disturb the run.</summary>
    public Action<Levers> WhenStarted { get; init; } = _ => { };

    /// <summary>Ways to disturb a run from outside.</summary>
    public sealed record Levers(LocalCluster Cluster, LocalNetwork Network, RunRecord Record, Action<object> TellLearnerNode);

    /// <summary>Runs to the end, or fails within 30 s with what the run last said.</summary>
    public RunOutcome Run()
    {
        using var record = new RunRecord();
        using var host = new EnvironmentHost(new EnvironmentHostOptions(Environment.Format.ToolTimeoutReply, MostWorkers: 2));
        var network = new LocalNetwork(serialize: true);
        var transport = Transport(new LocalWeightTransport());
        var engines = new List<HashEngine>();
        HashEngine NewEngine(string node)
        {
            engines.Add(Engine(node));
            return engines[^1];
        }

        var tokenizer = new CharacterTokenizer();
        var learnerView = new CapturingFabric(network.Join(LocalCluster.LearnerId));
        var settings = new LearnerSettings
        {
            Coordinator = Options,
            Learning = Learning,
            Fabric = learnerView,
            Engine = NewEngine("learner"),
            ProcessReward = Learning.ProcessReward is null ? null : NewEngine("process-reward"),
            Transport = NodeTransport?.Invoke(LocalCluster.LearnerId.Value) ?? transport,
            Spread = Spread,
            ScoreJobs = new ScoreJobBuilder(tokenizer, Environment.Format.AnswerPrefix, Environment.Format.AnswerSuffix, allAliases: false),
            Observer = record,
            Checkpoints = Store,
            Time = TimeProvider.System,
            InitialWeights = HashEngine.InitialWeights,
            Recipe = "recipe",
            Resume = Resume,
            MaxLives = MaxLives,
            Tap = Tap,
        };
        WeightReceiverSettings Receiver(IFabric fabric, IPolicyEngine engine) => new()
        {
            Fabric = fabric,
            Learner = LocalCluster.LearnerId,
            Engine = engine,
            Transport = NodeTransport?.Invoke(fabric.Self.Value) ?? transport,
            Notice = record.OnNotice,
            Tap = Tap,
            RangesInFlight = 2,
            AskAgain = Pace,
            DownloadTimeout = DownloadTimeout,
        };

        var rollouts = new List<(RolloutSettings, WeightReceiverSettings)>();
        for (var node = 0; node < RolloutNodes; node++)
        {
            var (fabric, engine) = (network.Join(new NodeId($"rollout-{node}")), NewEngine($"rollout-{node}"));
            rollouts.Add((new RolloutSettings
            {
                Fabric = fabric,
                Learner = LocalCluster.LearnerId,
                Engine = engine,
                Tokenizer = tokenizer,
                Environment = Environment,
                Episodes = host,
                Sampling = new SamplingOptions(),
                Capacity = 3,
                Incarnations = new IncarnationSource(1),
                Tap = Tap,
                Announce = Pace,
            }, Receiver(fabric, engine)));
        }

        var scorers = new List<(ScorerSettings, WeightReceiverSettings)>();
        for (var node = 0; node < Scorers; node++)
        {
            var (fabric, engine) = (network.Join(new NodeId($"scorer-{node}")), NewEngine($"scorer-{node}"));
            scorers.Add((new ScorerSettings
            {
                Fabric = fabric,
                Learner = LocalCluster.LearnerId,
                Engine = engine,
                Capacity = 2,
                Incarnations = new IncarnationSource(1),
                Tap = Tap,
                Announce = Pace,
            }, Receiver(fabric, engine)));
        }

        bool ended;
        using (var cluster = LocalCluster.Start(settings, rollouts, scorers))
        {
            WhenStarted(new Levers(cluster, network, record, learnerView.TellNode));
            ended = record.Wait(Deadline);
        }

        foreach (var engine in engines) engine.Dispose();
        if (!ended)
        {
            Assert.Fail($"the run did not end within {Deadline.TotalSeconds} s; steps {string.Join(",", record.Steps.Select(step => step.Version.Value))}; "
                + $"last messages seen: {string.Join(", ", Tap.Seen.Select(pair => $"{pair.Key.Actor}/{pair.Key.Message}={pair.Value}"))}; notices:\n{string.Join('\n', record.Notices)}");
        }

        return new RunOutcome(Options, Store, record.Ended!, record.Error, record.Steps, record.Evaluations, record.Notices, record.Lives, record.AfterEnd);
    }

    private sealed class CapturingFabric(IFabric inner) : IFabric
    {
        private Akka.Actor.IActorRef? _node;

        public NodeId Self => inner.Self;

        public void Tell(NodeId to, IWireMessage message) => inner.Tell(to, message);

        public void Attach(Akka.Actor.IActorRef node)
        {
            _node = node;
            inner.Attach(node);
        }

        public void TellNode(object message) => _node?.Tell(message, Akka.Actor.ActorRefs.NoSender);
    }
}
