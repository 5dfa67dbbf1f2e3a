using Distributed.Actors;
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

namespace Distributed.Fabric.AkkaCluster.Tests;

/// <summary>A small training run whose nodes are members of a cluster; weights go through memory.</summary>
internal sealed class ClusterRun : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);
    private readonly EnvironmentHost _host;
    private readonly DigitEnvironment _environment;
    private readonly ManualResetEventSlim _goesOn = new();
    private readonly CharacterTokenizer _tokenizer = new();
    private readonly LocalWeightTransport _transport = new();
    private readonly List<HashEngine> _engines = [];

    public ClusterRun()
    {
        _environment = new DigitEnvironment
        {
            StepLimit = TestCluster.Limit,
            OnStep = (_, cancel) =>
            {
                if (Record.Steps.Count >= HoldAfter) _goesOn.Wait(TestCluster.Limit, cancel);
            },
        };
        _host = new EnvironmentHost(new EnvironmentHostOptions(_environment.Format.ToolTimeoutReply, MostWorkers: 2));
    }

    public RunRecord Record { get; } = new();

    public MemoryCheckpoints Store { get; } = new();

    public long Steps { get; init; } = 4;

    /// <summary>After so many steps episodes wait until the learner is frozen or asked to leave, or for <see cref="GoOn"/>: so that happens in the middle of the run, however fast that is.</summary>
    public int HoldAfter { get; init; } = int.MaxValue;

    /// <summary>Episodes wait no longer.</summary>
    public void GoOn() => _goesOn.Set();

    /// <summary>From now on nothing this learner does is kept: its process is about to be killed.</summary>
    public void Freeze(string learner)
    {
        lock (_frozen) _frozen.Add(learner);
        _goesOn.Set();
    }

    private readonly HashSet<string> _frozen = [];

    private System.Runtime.CompilerServices.StrongBox<long> Epochs { get; } = new();

    /// <summary>Which process became the learner, in order.</summary>
    public List<string> Learners { get; } = [];

    /// <summary>What a process does when it becomes the learner.</summary>
    public Action<LearnerSeat> Learner(ClusterNode node, string name) => seat =>
    {
        lock (Learners) Learners.Add(name);
        var observer = new Part(this, name, seat);
        var settings = LearnerSettings(node.Fabric, observer);
        var roles = new NodeRoles(null, null, null, Akka.Actor.Props.Create(() => new LearnerNodeActor(settings)));
        var fabric = node.Fabric;
        seat.HandOver.Register(() =>
        {
            seat.RequestStop();
            _goesOn.Set();
        });
        seat.Occupy(Akka.Actor.Props.Create(() => new NodeActor(fabric, roles)));
    };

    public NodeRoles Rollout(ClusterNode node)
    {
        var engine = NewEngine();
        var (role, weights) = (new RolloutSettings
        {
            Fabric = node.Fabric,
            Learner = ClusterNode.LearnerId,
            Engine = engine,
            Tokenizer = _tokenizer,
            Environment = _environment,
            Episodes = _host,
            Sampling = new SamplingOptions(),
            Capacity = 3,
            Incarnations = new IncarnationSource(1),
            Announce = Pace,
        }, Receiver(node.Fabric, engine));
        return new NodeRoles(Akka.Actor.Props.Create(() => new RolloutWorkerActor(role)), null, Akka.Actor.Props.Create(() => new WeightReceiverActor(weights)), null);
    }

    public NodeRoles Scorer(ClusterNode node)
    {
        var engine = NewEngine();
        var (role, weights) = (new ScorerSettings
        {
            Fabric = node.Fabric,
            Learner = ClusterNode.LearnerId,
            Engine = engine,
            Capacity = 2,
            Incarnations = new IncarnationSource(1),
            Announce = Pace,
        }, Receiver(node.Fabric, engine));
        return new NodeRoles(null, Akka.Actor.Props.Create(() => new ScorerActor(role)), Akka.Actor.Props.Create(() => new WeightReceiverActor(weights)), null);
    }

    public void Dispose()
    {
        foreach (var engine in _engines) engine.Dispose();
        _host.Dispose();
        _goesOn.Dispose();
        Record.Dispose();
    }

    private LearnerSettings LearnerSettings(IFabric fabric, Part observer) => new()
    {
        Coordinator = new CoordinatorOptions
        {
            Seed = 11,
            Steps = Steps,
            PromptsPerStep = 2,
            GroupSize = 3,
            TrainProblems = 7,
            EvaluationQuestions = 5,
            EvaluationEverySteps = 2,
            LeaseTimeoutMs = 3_000,
            StallTimeoutMs = 30_000,
            TickMs = 20,
        },
        Learning = new LearningOptions
        {
            Estimator = new A2tgpo(new A2tgpoOptions()),
            Loss = new PolicyLossOptions(PolicyLossKind.Turn),
            Optimizer = step => new OptimizerOptions(step / 100f),
            MiniBatches = 2,
            CheckpointEverySteps = 1,
        },
        Fabric = fabric,
        Engine = NewEngine(),
        Transport = _transport,
        ScoreJobs = new ScoreJobBuilder(_tokenizer, _environment.Format.AnswerPrefix, _environment.Format.AnswerSuffix, allAliases: false),
        Observer = observer,
        Checkpoints = observer,
        Time = TimeProvider.System,
        InitialWeights = HashEngine.InitialWeights,
        Recipe = "recipe",
        Resume = true,
        Lives = new LearnerLives(Epochs.Value, epoch => Epochs.Value = epoch.Value),
    };

    private WeightReceiverSettings Receiver(IFabric fabric, IPolicyEngine engine) => new()
    {
        Fabric = fabric,
        Learner = ClusterNode.LearnerId,
        Engine = engine,
        Transport = _transport,
        Notice = Record.OnNotice,
        AskAgain = Pace,
    };

    private HashEngine NewEngine()
    {
        lock (_engines)
        {
            _engines.Add(new HashEngine());
            return _engines[^1];
        }
    }

    // One learner's part of the run: it ends the run only if it was asked to do the last step, or failed.
    private sealed class Part(ClusterRun run, string name, LearnerSeat seat) : IRunObserver, ICheckpointStore
    {
        private bool IsFrozen { get { lock (run._frozen) return run._frozen.Contains(name); } }

        public void Save(Checkpoint checkpoint, Action<EngineError?> reply)
        {
            if (!IsFrozen) run.Store.Save(checkpoint, reply);
        }

        public Checkpoint? LoadNewest(Action<string> warn) => run.Store.LoadNewest(warn);

        public void OnStarted(PolicyVersion version, LearnerEpoch epoch) => run.Record.OnStarted(version, epoch);

        public void OnStep(StepFinished step)
        {
            if (!IsFrozen) run.Record.OnStep(step);
        }

        public void OnEvaluation(EvaluationFinished evaluation) => run.Record.OnEvaluation(evaluation);

        public void OnNotice(string line) => run.Record.OnNotice(line);

        public void OnEnded(RunEnded ended, string? error)
        {
            if (IsFrozen) return;
            if (error != null || ended.Version.Value >= run.Steps) run.Record.OnEnded(ended, error);
            seat.Release();
        }
    }
}
