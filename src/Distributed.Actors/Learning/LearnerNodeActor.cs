// LearnerNode: the learner's lives, one after the other.
// Owns: coordinator, learner and publisher, which hold one consistent state and therefore live and die together.
// Promises: if one of them crashes, all end, and a new life begins under a higher epoch at the newest checkpoint (or at the start), so that
// weights, optimizer and ledger always belong to one version; after too many lives the run ends with the reason. The run's end is
// reported exactly once.
// May lose: the steps since the newest checkpoint, which are done again.
// Restarted by: NodeActor, only if this actor itself crashes; it then begins at the newest checkpoint too.
using Akka.Actor;
using Distributed.Actors.Coordination;
using Distributed.Actors.Ports;
using Distributed.Actors.Weights;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>The learner's role on a node.</summary>
public sealed class LearnerNodeActor : UntypedActor
{
    private readonly LearnerSettings _settings;
    private readonly SortedSet<NodeId> _nodes = [];
    private readonly HashSet<IActorRef> _dying = [];
    private LearnerEpoch _epoch = new(0);
    private IActorRef? _coordinator;
    private IActorRef? _learner;
    private IActorRef? _publisher;
    private string _crash = "";
    private int _lives;
    private bool _ended;

    /// <summary>A learner's role.</summary>
    public LearnerNodeActor(LearnerSettings settings) => _settings = settings;

    /// <summary>The run ended as planned or as asked.</summary>
    public sealed record Done(RunEnded Ended) : INoSerializationVerificationNeeded;

    /// <summary>The run cannot go on.</summary>
    public sealed record GiveUp(string Reason) : INoSerializationVerificationNeeded;

    /// <summary>End the run with a checkpoint.</summary>
    public sealed record StopRun : INoSerializationVerificationNeeded;

    private sealed record MemberLost(IActorRef Member) : INoSerializationVerificationNeeded;

    /// <inheritdoc/>
    protected override void PreStart() => BeginLife(_settings.Resume);

    /// <inheritdoc/>
    protected override void PreRestart(Exception reason, object message)
    {
        foreach (var child in Context.GetChildren()) Context.Unwatch(child);
        base.PreRestart(reason, message);
    }

    /// <inheritdoc/>
    protected override void PostRestart(Exception reason) => BeginLife(resume: true);

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
            case NodeJoined joined: _nodes.Add(joined.Node); TellBoth(message); break;
            case NodeLeft left: _nodes.Remove(left.Node); TellBoth(message); break;
            case NodeUnreachable: TellBoth(message); break;
            case StopRun: _learner?.Tell(new LearnerActor.Stop()); break;
            case Done done: End(done.Ended, null); break;
            case GiveUp giveUp: End(new RunEnded(new PolicyVersion(-1), new LedgerTotals(0, 0, []), 0), giveUp.Reason); break;
            case MemberLost lost: OnLost(lost.Member); break;
            default: Unhandled(message); break;
        }
    }

    private void BeginLife(bool resume)
    {
        _lives++;
        var checkpoint = resume ? _settings.Checkpoints.LoadNewest(_settings.Observer.OnNotice) : null;
        var ledger = checkpoint == null ? new Ledger() : Ledger.Restore(WireCodec.DecodeLedger(checkpoint.Ledger));
        checkpoint ??= new Checkpoint(0, 0, _settings.InitialWeights, new OptimizerState(0, default, default), default, _settings.Recipe);
        _epoch = new LearnerEpoch(Math.Max(_epoch.Value, checkpoint.Epoch) + 1);
        var life = new LearnerLife(_settings, _epoch);
        _settings.Observer.OnStarted(new PolicyVersion(checkpoint.Version), _epoch);

        var start = checkpoint;
        _learner = Member(Props.Create(() => new LearnerActor(life, start)), "learner");
        var learner = _learner;
        _coordinator = Member(Props.Create(() => new CoordinatorActor(life, ledger, learner)), "coordinator");
        var nodes = _nodes.ToArray();
        _publisher = Member(Props.Create(() => new WeightPublisherActor(life, nodes)), "publisher");
        _learner.Tell(new LearnerActor.Begin(_coordinator, _publisher));
    }

    private IActorRef Member(Props props, string name)
    {
        var member = Context.ActorOf(props, $"{name}-{_epoch.Value}-{_lives}");
        Context.WatchWith(member, new MemberLost(member));
        return member;
    }

    private void OnLost(IActorRef member)
    {
        if (_ended) return;
        if (_dying.Count == 0)
        {
            if (_lives >= _settings.MaxLives)
            {
                End(new RunEnded(new PolicyVersion(-1), new LedgerTotals(0, 0, []), 0), $"the learner crashed {_lives} times, the last time with: {_crash}");
                return;
            }

            _settings.Observer.OnNotice($"the learner's life {_epoch.Value} ended ({_crash}); a new one begins at the newest checkpoint");
            foreach (var other in new[] { _coordinator!, _learner!, _publisher! })
            {
                if (other.Equals(member)) continue;
                _dying.Add(other);
                Context.Stop(other);
            }

            (_coordinator, _learner, _publisher) = (null, null, null);
        }

        _dying.Remove(member);
        if (_dying.Count == 0) BeginLife(resume: true);
    }

    private void TellBoth(object message)
    {
        _coordinator?.Tell(message);
        _publisher?.Tell(message);
    }

    private void End(RunEnded ended, string? error)
    {
        if (_ended) return;
        _ended = true;
        _settings.Observer.OnEnded(ended, error);
    }
}
