// Scorer: scores trajectories for one node. Stateless but for the leases it holds.
// Promises: every lease it takes ends in a ScoreCompleted or LeaseFailed, repeated until settled; a score that is not finite is passed on
// as it is (the learner trains such a rollout on its outcome alone and counts it). An engine that does not answer in time is a LeaseFailed. A
// node that leaves takes no more leases, ends what it has and hands back the rest.
// May lose: all of it in a crash; the next incarnation's number makes the coordinator issue the leases again.
// Restarted by: NodeActor.
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Weights;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Scoring;

/// <summary>What a scorer node needs.</summary>
public sealed record ScorerSettings
{
    /// <summary>The way to other nodes.</summary>
    public required IFabric Fabric { get; init; }

    /// <summary>The learner's node.</summary>
    public required NodeId Learner { get; init; }

    /// <summary>Computes the log-probabilities.</summary>
    public required IPolicyEngine Engine { get; init; }

    /// <summary>Jobs at once.</summary>
    public required int Capacity { get; init; }

    /// <summary>Number of this worker's next life.</summary>
    public required IncarnationSource Incarnations { get; init; }

    /// <summary>Sees messages first.</summary>
    public IMessageTap Tap { get; init; } = IMessageTap.None;

    /// <summary>How often the worker offers itself and repeats results that are not settled.</summary>
    public TimeSpan Announce { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>A node's scorer role.</summary>
public sealed class ScorerActor : UntypedActor, IWithTimers
{
    private readonly ScorerSettings _settings;
    private readonly Incarnation _incarnation;
    private readonly Dictionary<LeaseId, IWireMessage?> _leases = []; // null while it is being scored
    private LearnerEpoch _epoch = new(-1);
    private PolicyVersion _version = new(-1);
    private bool _leaving;

    /// <summary>A new life of the role.</summary>
    public ScorerActor(ScorerSettings settings)
    {
        _settings = settings;
        _incarnation = settings.Incarnations.Next();
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Scored(LearnerEpoch Epoch, LeaseId Lease, ScoreJob Job, ScoreReply Reply) : INoSerializationVerificationNeeded;

    private sealed record LeaseLate(LeaseId Lease) : INoSerializationVerificationNeeded;

    private sealed class GraceOver : INoSerializationVerificationNeeded
    {
        public static GraceOver Instance { get; } = new();
    }

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, _settings.Announce);
        Context.Parent.Tell(WeightsAsked.Instance);
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _settings.Tap.Before("scorer", message);
        switch (message)
        {
            case WireEnvelope { Message: ScoreLeaseGranted granted }: Take(granted); break;
            case WireEnvelope { Message: LeaseSettled settled }: if (settled.Epoch == _epoch) Forget(settled.Lease); break;
            case Scored scored: OnScored(scored); break;
            case LeaseLate late: Deliver(late.Lease, Failure(late.Lease, "the engine did not answer in time")); break;
            case WeightsApplied applied: OnWeights(applied); break;
            case Tick: OnTick(); break;
            case NodeActor.Drain drain: OnDrain(drain.Grace); break;
            case GraceOver: HandBack(); break;
            default: Unhandled(message); break;
        }
    }

    private void Take(ScoreLeaseGranted granted)
    {
        if (granted.Epoch != _epoch)
        {
            if (granted.Epoch.Value > _epoch.Value) Send(new LeaseFailed(granted.Lease, granted.Epoch, _settings.Fabric.Self, "the scorer has no weights of this epoch", Declined: true));
            return;
        }

        if (_leases.TryGetValue(granted.Lease, out var result))
        {
            if (result != null) Send(result);
            return;
        }

        if (_leaving)
        {
            Send(Failure(granted.Lease, "the node is leaving") with { Declined = true });
            return;
        }

        if (_leases.Values.Count(lease => lease == null) >= _settings.Capacity)
        {
            Send(new LeaseFailed(granted.Lease, _epoch, _settings.Fabric.Self, "the scorer is full", Declined: true));
            return;
        }

        _leases.Add(granted.Lease, null);
        Timers.StartSingleTimer(granted.Lease, new LeaseLate(granted.Lease), TimeSpan.FromMilliseconds(granted.TimeoutMs));
        var (job, self, epoch) = (granted.Job, Self, _epoch);
        var branches = new List<ScoreBranch>(job.Boundaries.Length * job.Answers.Length);
        foreach (var boundary in job.Boundaries)
            foreach (var answer in job.Answers)
                branches.Add(new ScoreBranch(boundary, answer.Tokens, answer.SpanStart, answer.SpanLength));
        if (branches.Count == 0) OnScored(new Scored(epoch, granted.Lease, job, new ScoreReply(default, _version.Value)));
        else _settings.Engine.Score(new ScoreRequest(job.Tokens, branches), reply => self.Tell(new Scored(epoch, granted.Lease, job, reply)));
    }

    private void OnScored(Scored scored)
    {
        if (scored.Epoch != _epoch) return;
        if (scored.Reply.Error is { } error)
        {
            Deliver(scored.Lease, Failure(scored.Lease, error.Message));
            return;
        }

        var means = scored.Reply.MeanLogProbs.Span;
        var aliases = scored.Job.Answers.Length;
        var byBoundary = new double[scored.Job.Boundaries.Length][];
        for (var boundary = 0; boundary < byBoundary.Length; boundary++) byBoundary[boundary] = means.Slice(boundary * aliases, aliases).ToArray();
        var scores = new TurnScores(byBoundary, new PolicyVersion(scored.Reply.Version));
        Deliver(scored.Lease, new ScoreCompleted(scored.Lease, _epoch, _settings.Fabric.Self, scored.Job.Slot, scores));
    }

    private void Deliver(LeaseId lease, IWireMessage result)
    {
        if (!_leases.TryGetValue(lease, out var before) || before != null) return;
        Timers.Cancel(lease);
        _leases[lease] = result;
        Send(result);
    }

    private void Forget(LeaseId lease)
    {
        Timers.Cancel(lease);
        _leases.Remove(lease);
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
        foreach (var lease in _leases.Where(entry => entry.Value == null).Select(entry => entry.Key).OrderBy(lease => lease.Value).ToArray())
            Deliver(lease, Failure(lease, "the node is leaving") with { Declined = true });
    }

    private void SayIfDrained()
    {
        if (_leaving && _leases.Count == 0) Context.Parent.Tell(NodeActor.RoleDrained.Instance);
    }

    private void OnWeights(WeightsApplied applied)
    {
        if (applied.Epoch.Value > _epoch.Value)
        {
            foreach (var lease in _leases.Keys.ToArray()) Forget(lease);
            _epoch = applied.Epoch;
        }

        if (applied.Epoch == _epoch) _version = applied.Version;
        Offer();
    }

    private void OnTick()
    {
        Offer();
        foreach (var result in _leases.OrderBy(lease => lease.Key.Value).Select(lease => lease.Value).OfType<IWireMessage>().ToArray()) Send(result);
    }

    private void Offer()
    {
        if (_leaving) return;
        if (_version.Value >= 0)
            Send(new WorkerReady(_settings.Fabric.Self, WorkerRole.Scorer, _incarnation, _settings.Capacity, _epoch, _version));
        else
            Context.Parent.Tell(WeightsAsked.Instance);
    }

    private LeaseFailed Failure(LeaseId lease, string reason) => new(lease, _epoch, _settings.Fabric.Self, reason, Declined: false);

    private void Send(IWireMessage message) => _settings.Fabric.Tell(_settings.Learner, message);
}
