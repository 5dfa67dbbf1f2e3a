using System.Collections.Concurrent;
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Tests.Fakes;
using Distributed.Actors.Weights;
using Distributed.Environments.Hosting;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Rollout;

/// <summary>What a worker has finished while the learner was away, and the next learner.</summary>
public sealed class CarriedAnswerTests : IDisposable
{
    private static readonly NodeId Learner = new("learner");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly ActorSystem _system = ActorSystem.Create("carried");
    private readonly DigitEnvironment _environment = new();
    private readonly EnvironmentHost _host;
    private readonly HashEngine _engine = new();
    private readonly Recording _fabric = new();
    private readonly IActorRef _worker;

    public CarriedAnswerTests()
    {
        _host = new EnvironmentHost(new EnvironmentHostOptions(_environment.Format.ToolTimeoutReply, MostWorkers: 1));
        var settings = new RolloutSettings
        {
            Fabric = _fabric,
            Learner = Learner,
            Engine = _engine,
            Tokenizer = new CharacterTokenizer(),
            Environment = _environment,
            Episodes = _host,
            Sampling = new SamplingOptions(),
            Capacity = 3,
            Incarnations = new IncarnationSource(1),
            Announce = TimeSpan.FromMilliseconds(20),
        };
        using var loaded = new ManualResetEventSlim();
        _engine.LoadWeights(4, HashEngine.InitialWeights, _ => loaded.Set());
        loaded.Wait(Limit).ShouldBeTrue();
        _worker = _system.ActorOf(Props.Create(() => new RolloutWorkerActor(settings)));
    }

    public void Dispose()
    {
        _system.Terminate().Wait(Limit);
        _system.Dispose();
        _engine.Dispose();
        _host.Dispose();
    }

    private RolloutCompleted FinishOne()
    {
        Apply(epoch: 1, version: 4, checksum: 77);
        _worker.Tell(new WireEnvelope(Learner, new RolloutLeaseGranted(new LearnerEpoch(1), new LeaseId(9), new RolloutJob(new Slot(12, 1), false, 3, 5, false), 0, 60_000)));
        return Until(_ => true);
    }

    private void Apply(long epoch, long version, uint checksum) =>
        _worker.Tell(new WeightsApplied(new LearnerEpoch(epoch), new PolicyVersion(version)) { Checksum = checksum });

    private RolloutCompleted Until(Func<RolloutCompleted, bool> wanted)
    {
        RolloutCompleted? found = null;
        SpinWait.SpinUntil(() => (found = _fabric.Sent.OfType<RolloutCompleted>().FirstOrDefault(wanted)) != null, Limit).ShouldBeTrue();
        return found!;
    }

    // Two offers under an epoch: what was to be sent at its beginning has been sent.
    private void UntilOffered(long epoch) =>
        SpinWait.SpinUntil(() => _fabric.Sent.OfType<WorkerReady>().Count(offer => offer.Epoch.Value == epoch) >= 2, Limit).ShouldBeTrue();

    [Fact]
    public void An_answer_nobody_has_settled_is_offered_to_the_next_learner_that_begins_with_the_same_weights()
    {
        var answer = FinishOne();
        Apply(epoch: 2, version: 4, checksum: 77);
        var again = Until(sent => sent.Epoch.Value == 2);
        again.Trajectory.ShouldBeSameAs(answer.Trajectory);
        again.Lease.Value.ShouldBeLessThan(0, "no learner gives such a lease");
        SpinWait.SpinUntil(() => _fabric.Sent.OfType<RolloutCompleted>().Count(sent => sent.Lease == again.Lease) >= 3, Limit).ShouldBeTrue("it is repeated until it is settled");

        _worker.Tell(new WireEnvelope(Learner, new LeaseSettled(new LearnerEpoch(2), again.Lease)));
        UntilOffered(2);
        _fabric.Sent.Clear();
        UntilOffered(2);
        _fabric.Sent.OfType<RolloutCompleted>().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(4, 78)] // other weights under the same number
    [InlineData(3, 77)] // an older version
    [InlineData(5, 79)] // a newer one
    public void One_that_begins_with_other_weights_hears_nothing_of_it(long version, uint checksum)
    {
        FinishOne();
        Apply(epoch: 2, version, checksum);
        UntilOffered(2);
        _fabric.Sent.OfType<RolloutCompleted>().ShouldAllBe(sent => sent.Epoch.Value == 1);
    }

    private sealed class Recording : IFabric
    {
        public ConcurrentQueue<IWireMessage> Sent { get; } = new();

        public NodeId Self { get; } = new("rollout-1");

        public void Tell(NodeId to, IWireMessage message) => Sent.Enqueue(message);

        public void Attach(IActorRef node) { }
    }
}
