// LearnerNode: the learner's lives, one after the other.
// Owns: coordinator, learner and publisher, which hold one consistent state and therefore live and die together.
// Promises: if one of them crashes, all end, and a new life begins under a higher epoch at the newest checkpoint (or at the start), so that
// weights, optimizer and ledger always belong to one version; a checkpoint still being written is awaited, so that it cannot become the newest behind the new
// life's back; after too many lives the run ends with the reason. The run's end is
// reported exactly once, and nothing of the run happens after it. A wish to stop outlives a crash.
// May lose: the steps since the newest checkpoint, which are done again.
// Restarted by: NodeActor, only if this actor itself crashes; it then begins a new life at the newest checkpoint too. What it must not forget
// stands in LearnerLives.
using Akka.Actor;
using Distributed.Actors.Coordination;
using Distributed.Actors.Ports;
using Distributed.Actors.Weights;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>The learner's role on a node.</summary>
public sealed class LearnerNodeActor : UntypedActor, IWithTimers
{
    private static readonly TimeSpan SavePace = TimeSpan.FromMilliseconds(50);
    private readonly LearnerSettings _settings;
    private readonly LearnerLives _lives;
    private readonly SortedSet<NodeId> _nodes = [];
    private readonly HashSet<IActorRef> _dying = [];
    private IActorRef? _coordinator;
    private IActorRef? _learner;
    private IActorRef? _publisher;
    private string _crash = "";

    /// <summary>A learner's role.</summary>
    public LearnerNodeActor(LearnerSettings settings)
    {
        _settings = settings;
        _lives = settings.Lives;
    }

    /// <summary>The run ended as planned or as asked.</summary>
    public sealed record Done(RunEnded Ended) : INoSerializationVerificationNeeded;

    /// <summary>The run cannot go on.</summary>
    public sealed record GiveUp(string Reason) : INoSerializationVerificationNeeded;

    /// <summary>End the run with a checkpoint.</summary>
    public sealed record StopRun : INoSerializationVerificationNeeded;

    // A life may not begin yet: a checkpoint of the one before is still being written.
    private sealed record SavesAwaited(TimeSpan Waited) : INoSerializationVerificationNeeded;

    private sealed record MemberLost(IActorRef Member) : INoSerializationVerificationNeeded;

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc/>
    protected override void PreStart() => BeginLife();

    /// <inheritdoc/>
    protected override void PreRestart(Exception reason, object message)
    {
        _lives.StopWanted |= message is StopRun;
        base.PreRestart(reason, message);
    }

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(error =>
    {
        _crash = error.GetBaseException().Message;
        return Directive.Stop;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _settings.Tap.Before("learner-node", message);
        switch (message)
        {
            case WireEnvelope { Message: PolicyWanted }: _publisher?.Tell(message); break;
            case WireEnvelope: _coordinator?.Tell(message); break;
            case FlowMark mark:
                if (_coordinator != null) _coordinator.Tell(mark);
                else mark.Reached();
                break;
            case NodeJoined joined: _nodes.Add(joined.Node); TellBoth(message); break;
            case NodeLeft left: _nodes.Remove(left.Node); TellBoth(message); break;
            case NodeUnreachable: TellBoth(message); break;
            case StopRun: OnStop(); break;
            case Done done: if (IsOfThisLife(Sender)) End(done.Ended, null); break;
            case GiveUp giveUp: if (IsOfThisLife(Sender)) Fail(giveUp.Reason); break;
            case MemberLost lost: OnLost(lost.Member); break;
            case SavesAwaited awaited: BeginLife(awaited.Waited); break;
            default: Unhandled(message); break;
        }
    }

    private void BeginLife(TimeSpan waited = default)
    {
        if (_lives.Ended) return;
        if (_lives.SavesUnderWay > 0)
        {
            var limit = TimeSpan.FromMilliseconds(_settings.Coordinator.StallTimeoutMs);
            if (waited < limit) Timers.StartSingleTimer(nameof(SavesAwaited), new SavesAwaited(waited + SavePace), SavePace);
            else Fail($"no progress for {limit.TotalSeconds:0} s: the learner waits for a checkpoint of its former life to be saved");
            return;
        }

        if (_lives.Count >= _settings.MaxLives)
        {
            Fail($"the learner crashed {_lives.Count} times, the last time with: {(_crash.Length == 0 ? "an error of its node" : _crash)}");
            return;
        }

        var (checkpoint, ledger) = (default(Checkpoint), new Ledger());
        try
        {
            if (_settings.Resume || _lives.Count > 0) checkpoint = _settings.Checkpoints.LoadNewest(_settings.Observer.OnNotice);
            if (checkpoint != null) ledger = Restore(checkpoint);
        }
        catch (Exception error)
        {
            // Beginning at version 0 instead would throw the run's work away without anyone having asked for it.
            Fail($"the newest checkpoint cannot be used: {error.Message}; remove it to go on from the one before");
            return;
        }

        checkpoint ??= new Checkpoint(0, 0, _settings.InitialWeights, new OptimizerState(0, default, default), default, _settings.Recipe);
        var start = checkpoint;
        LearnerEpoch epoch;
        try
        {
            epoch = _lives.Begin(new LearnerEpoch(start.Epoch));
        }
        catch (Exception error)
        {
            Fail($"no new life can begin: {error.Message}");
            return;
        }

        var life = new LearnerLife(_settings, epoch, new PolicyVersion(start.Version));
        _settings.Observer.OnStarted(life.Start, life.Epoch);

        _learner = Member(Props.Create(() => new LearnerActor(life, start)), "learner");
        var learner = _learner;
        _coordinator = Member(Props.Create(() => new CoordinatorActor(life, ledger, learner)), "coordinator");
        var nodes = _nodes.ToArray();
        _publisher = Member(Props.Create(() => new WeightPublisherActor(life, nodes)), "publisher");
        _learner.Tell(new LearnerActor.Begin(_coordinator, _publisher));
        if (_lives.StopWanted) _learner.Tell(LearnerActor.Stop.Instance);
    }

    private static Ledger Restore(Checkpoint checkpoint)
    {
        var snapshot = WireCodec.DecodeLedger(checkpoint.Ledger);
        return snapshot.Version.Value == checkpoint.Version
            ? Ledger.Restore(snapshot)
            : throw new LedgerException($"checkpoint {checkpoint.Version} holds the ledger of version {snapshot.Version.Value}");
    }

    private IActorRef Member(Props props, string name)
    {
        var member = Context.ActorOf(props, $"{name}-{_lives.Epoch.Value}");
        Context.WatchWith(member, new MemberLost(member));
        return member;
    }

    // A message of a dead life may still be on its way.
    private bool IsOfThisLife(IActorRef sender) => sender.Equals(_learner) || sender.Equals(_coordinator);

    private void OnStop()
    {
        _lives.StopWanted = true;
        _learner?.Tell(LearnerActor.Stop.Instance);
    }

    private void OnLost(IActorRef member)
    {
        if (_lives.Ended) return;
        if (_dying.Count == 0)
        {
            _settings.Observer.OnNotice($"the learner's life {_lives.Epoch.Value} ended ({_crash}); a new one begins at the newest checkpoint");
            StopMembers();
        }

        _dying.Remove(member);
        if (_dying.Count == 0) BeginLife();
    }

    private void StopMembers()
    {
        foreach (var member in new[] { _coordinator, _learner, _publisher })
        {
            if (member == null) continue;
            _dying.Add(member);
            Context.Stop(member);
        }

        (_coordinator, _learner, _publisher) = (null, null, null);
    }

    private void TellBoth(object message)
    {
        _coordinator?.Tell(message);
        _publisher?.Tell(message);
    }

    private void Fail(string reason) => End(new RunEnded(new PolicyVersion(-1), new LedgerTotals(0, 0, []), 0), reason);

    private void End(RunEnded ended, string? error)
    {
        if (_lives.Ended) return;
        _lives.Ended = true;
        StopMembers();
        _settings.Observer.OnEnded(ended, error);
    }
}
