using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Fabric;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Fabric.Local;
using Distributed.Node.Cluster;
using Distributed.Protocol;
using Distributed.Simulation.Scaling;

namespace Distributed.Node.Validation;

/// <summary>The learner's node of a validation: the real one, over an engine that sleeps.</summary>
internal sealed class SleepingLearner : IAsyncDisposable
{
    private readonly WallTimeline _timeline = new();
    private readonly SleepingEngine _engine;
    private readonly StepTimes _times = new();
    private readonly HttpHub _hub;
    private readonly HttpWeightTransport _weights;
    private readonly HttpEndpoint _endpoint;
    private readonly NodeSystem _system;

    public SleepingLearner(ScalingCase experiment, HttpSecurity security)
    {
        _engine = new SleepingEngine(new CostEngine(_timeline, experiment.Costs), _timeline);
        _hub = new HttpHub(LocalCluster.LearnerId, "validation", security, new HttpFabricOptions(), Console.Error.WriteLine);
        _weights = HttpWeights.Create(security, null, []);
        _endpoint = HttpEndpoint.StartAsync(new Uri("http://127.0.0.1:0"), security, _hub.Counters, TimeProvider.System, routes =>
        {
            _hub.MapTo(routes);
            routes.MapWeights(_weights);
        }).GetAwaiter().GetResult();
        var world = new CostWorld(experiment.Costs);
        var settings = new LearnerSettings
        {
            Coordinator = experiment.Coordinator(),
            Learning = experiment.Learning(),
            Fabric = _hub,
            Engine = _engine,
            Transport = _weights,
            Spread = new WeightSpreadOptions(),
            ScoreJobs = new ScoreJobBuilder(world, world.Format.AnswerPrefix, world.Format.AnswerSuffix, allAliases: false),
            Observer = _times,
            Checkpoints = new SleepingCheckpoints(_timeline, experiment.Costs),
            Time = TimeProvider.System,
            InitialWeights = new byte[CostEngine.Bytes],
            Recipe = "scaling",
            Lives = new LearnerLives(0, static _ => { }),
        };
        _system = NodeSystem.Start(_hub, new NodeRoles(null, null, null, Props.Create(() => new LearnerNodeActor(settings))), Console.Error.WriteLine);
    }

    /// <summary>Where the others dial.</summary>
    public Uri Address => _endpoint.Address;

    /// <summary>Seconds a step after the first one, once the run is done.</summary>
    public Task<double> SecondsPerStep => _times.SecondsPerStep;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _hub.CloseAsync("the run is over").ConfigureAwait(false);
        _system.Dispose();
        await _hub.DisposeAsync().ConfigureAwait(false);
        await _endpoint.DisposeAsync().ConfigureAwait(false);
        _weights.Dispose();
        _engine.Dispose();
        _timeline.Dispose();
    }

    private sealed class StepTimes : IRunObserver
    {
        private readonly TaskCompletionSource<double> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _first;
        private long _steps;

        public Task<double> SecondsPerStep => _result.Task;

        public void OnStarted(PolicyVersion version, LearnerEpoch epoch) { }

        public void OnStep(StepFinished step)
        {
            if (++_steps == 1) _first = TimeProvider.System.GetTimestamp();
        }

        public void OnEvaluation(EvaluationFinished evaluation) { }

        public void OnNotice(string line) => Console.Error.WriteLine(line);

        public void OnEnded(RunEnded ended, string? error)
        {
            if (error != null) _result.TrySetException(new RefusedException(error));
            else _result.TrySetResult(TimeProvider.System.GetElapsedTime(_first).TotalSeconds / (_steps - 1));
        }
    }
}
