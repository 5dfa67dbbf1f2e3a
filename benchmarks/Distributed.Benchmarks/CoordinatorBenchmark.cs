using System.Globalization;
using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Scoring;
using Distributed.Fabric;
using Distributed.Fabric.Http;
using Distributed.Protocol;

namespace Distributed.Benchmarks;

/// <summary>
/// What the learner's node sustains when engines cost nothing: workers that answer every lease at once over real WebSockets on this machine, a learner that
/// trains in no time. Workers and coordinator share the process and its cores. And what open leases cost in memory.
/// </summary>
internal static class CoordinatorBenchmark
{
    private const int GroupSize = 8;
    private const int PromptsPerStep = 32;
    private static readonly NodeId Learner = new("learner");
    private static long _version;
    private static long _answered;

    public static void Run(int seconds)
    {
        foreach (var (words, turns, tokens) in new[] { ("short: 4 turns, 19 sampled tokens", 4, 5), ("long: 8 turns, 1,024 sampled tokens", 8, 128) })
            Throughput(words, turns, tokens, seconds);
        OpenLeases();
    }

    private static void Throughput(string words, int turns, int tokens, int seconds)
    {
        using var cluster = new Cluster(staleness: 4, nodes: 4, capacity: 256, new Answering(turns, tokens));
        Thread.Sleep(3000); // to be compiled
        var (from, messages, began) = (Interlocked.Read(ref _answered), cluster.Hub.Counters[FabricCount.MessagesReceived] + cluster.Hub.Counters[FabricCount.MessagesSent], TimeProvider.System.GetTimestamp());
        var (cpu, bytes) = (Environment.CpuUsage.TotalTime, cluster.Hub.Counters[FabricCount.BytesReceived]);
        Thread.Sleep(seconds * 1000);
        var elapsed = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        var trained = Interlocked.Read(ref _answered) - from;
        var all = cluster.Hub.Counters[FabricCount.MessagesReceived] + cluster.Hub.Counters[FabricCount.MessagesSent] - messages;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{words}: {trained / elapsed:N0} trajectories/s, {all / elapsed:N0} messages/s, {(cluster.Hub.Counters[FabricCount.BytesReceived] - bytes) / elapsed / 1e6:0.0} MB/s in; {(Environment.CpuUsage.TotalTime - cpu).TotalSeconds / elapsed:0.00} cores, workers and both ends of the wire included; {cluster.Hub.Counters[FabricCount.DroppedQueueFull]} dropped"));
    }

    private static void OpenLeases()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var cluster = new Cluster(staleness: 39, nodes: 4, capacity: 2560, new Silent());
        while (Silent.Held < 10_240) Thread.Sleep(20);
        var after = GC.GetTotalMemory(forceFullCollection: true);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"10,240 open leases: {(after - before) / 1e6:0.0} MB on the heap for the learner's node, four connections and their workers together; working set {Environment.WorkingSet / 1e6:0} MB"));
    }

    private sealed class Cluster : IDisposable
    {
        private readonly ActorSystem _system = ActorSystem.Create("benchmark", NodeConfiguration.Load());
        private readonly List<HttpMember> _members = [];
        private readonly HttpEndpoint _endpoint;

        public Cluster(int staleness, int nodes, int capacity, IWork work)
        {
            (_version, _answered) = (0, 0);
            var security = new HttpSecurity(ClusterSecret.Random());
            var options = new HttpFabricOptions { DeadAfter = TimeSpan.FromSeconds(30) };
            Hub = new HttpHub(Learner, "benchmark", security, options, Console.Error.WriteLine);
            _endpoint = HttpEndpoint.StartAsync(new Uri("http://127.0.0.1:0"), security, Hub.Counters, TimeProvider.System, Hub.MapTo).GetAwaiter().GetResult();
            var settings = new LearnerSettings
            {
                Coordinator = new CoordinatorOptions
                {
                    Seed = 1, Steps = 1_000_000_000, PromptsPerStep = PromptsPerStep, GroupSize = GroupSize, MaxStalenessSteps = staleness, NeedsScores = false,
                    LeaseTimeoutMs = 600_000, StallTimeoutMs = 1_200_000,
                },
                Learning = null!, Fabric = Hub, Engine = null!, Transport = null!, ScoreJobs = null!, Observer = new Quiet(), Checkpoints = null!, Time = TimeProvider.System,
                InitialWeights = default, Recipe = "",
            };
            Hub.Attach(_system.ActorOf(Props.Create(() => new LearnerSide(settings))));
            for (var node = 0; node < nodes; node++)
            {
                var member = new HttpMember(new MemberIdentity(new NodeId($"rollout-{node}"), Learner, _endpoint.Address), security, options, Console.Error.WriteLine);
                _members.Add(member);
                member.Attach(_system.ActorOf(Props.Create(() => new WorkerSide(member, capacity, work))));
            }
        }

        public HttpHub Hub { get; }

        public void Dispose()
        {
            foreach (var member in _members) member.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Hub.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _endpoint.DisposeAsync().AsTask().GetAwaiter().GetResult();
            _system.Terminate().Wait();
            _system.Dispose();
        }
    }

    // The coordinator as it is, and a learner that is done with a batch when it gets it.
    private sealed class LearnerSide : UntypedActor
    {
        private readonly IActorRef _coordinator;
        private long _trained;

        public LearnerSide(LearnerSettings settings)
        {
            var self = Self;
            _coordinator = Context.ActorOf(Props.Create(() => new CoordinatorActor(new LearnerLife(settings, new LearnerEpoch(1), new PolicyVersion(0)), new Ledger(), self)));
            _coordinator.Tell(CoordinatorActor.LearnerReady.Instance);
        }

        protected override void OnReceive(object message)
        {
            if (message is TrainBatch batch)
            {
                Interlocked.Add(ref _answered, batch.Groups.Sum(group => group.Rollouts.Count));
                _coordinator.Tell(new CoordinatorActor.LearnerStepped(new StepCompleted(new PolicyVersion(++_trained), new Dictionary<Slot, string>()), WantsLedger: false));
                Interlocked.Exchange(ref _version, _trained);
            }
            else
            {
                _coordinator.Forward(message);
            }
        }
    }

    private interface IWork
    {
        RolloutCompleted? Do(RolloutLeaseGranted lease, NodeId self, long version);
    }

    private sealed class Answering(int turns, int tokens) : IWork
    {
        private readonly int[] _tokens = [.. Enumerable.Range(0, tokens)];
        private readonly float[] _logProbs = [.. Enumerable.Range(0, tokens).Select(_ => -0.5f)];
        private readonly int[] _observation = [.. Enumerable.Range(0, 10)];

        public RolloutCompleted Do(RolloutLeaseGranted lease, NodeId self, long version) => new(lease.Lease, lease.Epoch, self, new Trajectory(
            lease.Job.Slot, "p1", "3 look-ups", ["answer"], [1, 2, 3, 4, 5, 6, 7, 8],
            [.. Enumerable.Range(0, turns).Select(turn => new TurnRecord(_tokens, _logProbs, new PolicyVersion(version), turn == turns - 1 ? [] : _observation, false))],
            EpisodeEnd.Correct, 1));
    }

    private sealed class Silent : IWork
    {
        private static long _held;

        public static long Held => Interlocked.Read(ref _held);

        public RolloutCompleted? Do(RolloutLeaseGranted lease, NodeId self, long version)
        {
            Interlocked.Increment(ref _held);
            return null;
        }
    }

    private sealed class WorkerSide(IFabric fabric, int capacity, IWork work) : UntypedActor, IWithTimers
    {
        private long _offered = -1;

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart() => Timers.StartPeriodicTimer("offer", "offer", TimeSpan.FromMilliseconds(5));

        protected override void OnReceive(object message)
        {
            var version = Interlocked.Read(ref _version);
            if (version != _offered || message is NodeJoined) Offer(version);
            if (message is WireEnvelope { Message: RolloutLeaseGranted lease } && work.Do(lease, fabric.Self, version) is { } answer) fabric.Tell(Learner, answer);
            else if (message is FlowMark mark) mark.Reached();
        }

        private void Offer(long version)
        {
            _offered = version;
            fabric.Tell(Learner, new WorkerReady(fabric.Self, WorkerRole.Rollout, new Incarnation(1), capacity, new LearnerEpoch(1), new PolicyVersion(version)));
        }
    }

    private sealed class Quiet : IRunObserver
    {
        public void OnStarted(PolicyVersion version, LearnerEpoch epoch) { }

        public void OnStep(StepFinished step) { }

        public void OnEvaluation(EvaluationFinished evaluation) { }

        public void OnNotice(string line) => Console.Error.WriteLine(line);

        public void OnEnded(RunEnded ended, string? error) { }
    }
}
