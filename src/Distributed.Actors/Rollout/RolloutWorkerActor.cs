// RolloutWorker: takes leases of episodes for one node and delivers what comes of them.
// Owns: its leases and the episode actors that play them.
// Promises: every lease it takes ends in a RolloutCompleted or LeaseFailed, repeated until the coordinator settles it; leases of an older
// learner epoch are given up at once, but what came of them is offered to the next learner too if that begins with the very weights it was sampled by (the same
// rollout would come out again; the slot decides whether it is still wanted); never more episodes than its capacity. A node that leaves takes no more, ends what it has and hands back the rest.
// May lose: all of it in a crash. The next incarnation says so by its higher number, and the coordinator issues the leases again.
// Restarted by: NodeActor. Episodes that crash are stopped and reported as failed leases.
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Actors.Weights;
using Distributed.Protocol;

namespace Distributed.Actors.Rollout;

/// <summary>A node's rollout role.</summary>
public sealed class RolloutWorkerActor : UntypedActor, IWithTimers
{
    private readonly RolloutSettings _settings;
    private readonly Incarnation _incarnation;
    private readonly Dictionary<LeaseId, LeaseHeld> _leases = [];
    private LearnerEpoch _epoch = new(-1);
    private PolicyVersion _version = new(-1);
    private uint? _checksum;
    private long _sequences;
    private long _carried;
    private string? _lastCrash;
    private bool _leaving;

    /// <summary>A new life of the role.</summary>
    public RolloutWorkerActor(RolloutSettings settings)
    {
        _settings = settings;
        _incarnation = settings.Incarnations.Next();
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record EpisodeLost(LearnerEpoch Epoch, LeaseId Lease) : INoSerializationVerificationNeeded;

    private sealed class GraceOver : INoSerializationVerificationNeeded
    {
        public static GraceOver Instance { get; } = new();
    }

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    private sealed class LeaseHeld(IActorRef episode)
    {
        public IActorRef Episode { get; } = episode;

        /// <summary>What to repeat until it is settled; null while the episode runs.</summary>
        public IWireMessage? Result { get; set; }
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, _settings.Announce);
        Context.Parent.Tell(WeightsAsked.Instance);
    }

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(error =>
    {
        _lastCrash = error.GetBaseException().Message;
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _settings.Tap.Before("rollout-worker", message);
        switch (message)
        {
            case WireEnvelope { Message: RolloutLeaseGranted granted }: Take(granted); break;
            case WireEnvelope { Message: LeaseSettled settled }: if (settled.Epoch == _epoch) Forget(settled.Lease); break;
            case EpisodeActor.EpisodeDone done: Deliver(done.Epoch, new RolloutCompleted(done.Lease, _epoch, _settings.Fabric.Self, done.Trajectory), done.Lease); break;
            case EpisodeActor.EpisodeFailed failed: Deliver(failed.Epoch, Failure(failed.Lease, failed.Reason), failed.Lease); break;
            case EpisodeLost lost: Deliver(lost.Epoch, Failure(lost.Lease, $"the episode crashed: {_lastCrash ?? "unknown"}"), lost.Lease); break;
            case WeightsApplied applied: OnWeights(applied); break;
            case Tick: OnTick(); break;
            case NodeActor.Drain drain: OnDrain(drain.Grace); break;
            case GraceOver: HandBack(); break;
            default: Unhandled(message); break;
        }
    }

    private void Take(RolloutLeaseGranted granted)
    {
        if (granted.Epoch != _epoch)
        {
            // An older learner's lease is void; a newer one's comes before its weights and is refused until they are here.
            if (granted.Epoch.Value > _epoch.Value) Send(Failure(granted.Lease, "the worker has no weights of this epoch") with { Epoch = granted.Epoch, Declined = true });
            return;
        }

        if (_leases.TryGetValue(granted.Lease, out var held))
        {
            if (held.Result != null) Send(held.Result);
            return;
        }

        if (_leaving)
        {
            Send(Failure(granted.Lease, "the node is leaving") with { Declined = true });
            return;
        }

        if (_leases.Values.Count(lease => lease.Result == null) >= _settings.Capacity)
        {
            Send(Failure(granted.Lease, "the worker is full") with { Declined = true });
            return;
        }

        // Sequence names of different lives never meet in the engine.
        var sequence = (_incarnation.Value << 40) | ++_sequences;
        var episode = Context.ActorOf(Props.Create(() => new EpisodeActor(_settings, granted, sequence)), $"episode-{_sequences}");
        _leases.Add(granted.Lease, new LeaseHeld(episode));
        Context.WatchWith(episode, new EpisodeLost(granted.Epoch, granted.Lease));
    }

    // Lease numbers begin anew in every epoch: what an episode of an older one still says must not answer a lease of this one.
    private void Deliver(LearnerEpoch epoch, IWireMessage result, LeaseId lease)
    {
        if (epoch != _epoch || !_leases.TryGetValue(lease, out var held) || held.Result != null) return;
        Context.Unwatch(held.Episode);
        held.Result = result;
        Send(result);
    }

    private void Forget(LeaseId lease)
    {
        if (!_leases.Remove(lease, out var held)) return;
        if (held.Result == null)
        {
            Context.Unwatch(held.Episode);
            Context.Stop(held.Episode);
        }

        SayIfDrained();
    }

    private void OnDrain(TimeSpan grace)
    {
        _leaving = true;
        Timers.StartSingleTimer(nameof(GraceOver), GraceOver.Instance, grace);
        SayIfDrained();
    }

    // What is not done goes back as if it had never been taken: leaving is no failed attempt.
    private void HandBack()
    {
        foreach (var (lease, held) in _leases.Where(entry => entry.Value.Result == null).OrderBy(entry => entry.Key.Value).ToArray())
        {
            Context.Unwatch(held.Episode);
            Context.Stop(held.Episode);
            held.Result = Failure(lease, "the node is leaving") with { Declined = true };
            Send(held.Result);
        }
    }

    private void SayIfDrained()
    {
        if (_leaving && _leases.Count == 0) Context.Parent.Tell(NodeActor.RoleDrained.Instance);
    }

    private void OnWeights(WeightsApplied applied)
    {
        if (applied.Epoch.Value > _epoch.Value)
        {
            var answers = Unsettled(applied);
            foreach (var lease in _leases.Keys.OrderBy(lease => lease.Value).ToArray()) Forget(lease);
            _epoch = applied.Epoch;
            foreach (var answer in answers) Carry(answer);
        }

        if (applied.Epoch == _epoch) (_version, _checksum) = (applied.Version, applied.Checksum);
        Offer();
    }

    // Answers of this epoch that are as good in the next: sampled by the standing version alone, which the next learner begins with, byte for byte.
    private Trajectory[] Unsettled(WeightsApplied next) => next.Checksum == null || next.Checksum != _checksum || next.Version != _version ? []
        : [.. _leases.OrderBy(lease => lease.Key.Value).Select(lease => lease.Value.Result).OfType<RolloutCompleted>().Select(answer => answer.Trajectory)
            .Where(trajectory => trajectory.Turns.All(turn => turn.Version == _version && turn.OldestVersion == _version)).Take(_settings.Capacity)];

    // Under a number that no learner gives a lease.
    private void Carry(Trajectory trajectory)
    {
        var lease = new LeaseId(-++_carried);
        var answer = new RolloutCompleted(lease, _epoch, _settings.Fabric.Self, trajectory);
        _leases.Add(lease, new LeaseHeld(ActorRefs.Nobody) { Result = answer });
        Send(answer);
    }

    private void OnTick()
    {
        Offer();
        foreach (var held in _leases.OrderBy(lease => lease.Key.Value).Select(lease => lease.Value.Result).OfType<IWireMessage>()) Send(held);
    }

    private void Offer()
    {
        if (_leaving) return;
        if (_version.Value >= 0)
            Send(new WorkerReady(_settings.Fabric.Self, WorkerRole.Rollout, _incarnation, _settings.Capacity, _epoch, _version));
        else
            Context.Parent.Tell(WeightsAsked.Instance);
    }

    private LeaseFailed Failure(LeaseId lease, string reason) => new(lease, _epoch, _settings.Fabric.Self, reason, Declined: false);

    private void Send(IWireMessage message) => _settings.Fabric.Tell(_settings.Learner, message);
}
