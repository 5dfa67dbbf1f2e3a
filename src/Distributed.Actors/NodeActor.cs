// Node: the root of everything a node runs. Owns its role actors and the way from the fabric to them.
// Promises: a message reaches the one actor it is for, or is counted as unroutable. Role actors share nothing but messages.
// May lose: messages that arrive before a role has started; their senders repeat them.
// Restarted by: the guardian; its children are then created anew.
using Akka.Actor;
using Akka.Event;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors;

/// <summary>What a node runs: props of each role it has.</summary>
/// <param name="Rollout">Runs episodes.</param>
/// <param name="Scorer">Scores trajectories.</param>
/// <param name="Receiver">Applies new weights; told whom to notify. Needed with rollout or scorer.</param>
/// <param name="Learner">Coordinator, learner and publisher.</param>
public sealed record NodeRoles(Props? Rollout, Props? Scorer, Props? Receiver, Props? Learner)
{
    /// <summary>Sees the node's messages first.</summary>
    public IMessageTap Tap { get; init; } = IMessageTap.None;
}

/// <summary>A node's root actor.</summary>
public sealed class NodeActor : UntypedActor
{
    private readonly IFabric _fabric;
    private readonly IMessageTap _tap;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IActorRef? _rollout;
    private readonly IActorRef? _scorer;
    private readonly IActorRef? _receiver;
    private readonly IActorRef? _learner;
    private readonly HashSet<IActorRef> _draining = [];
    private Action? _drained;

    /// <summary>Starts the roles.</summary>
    public NodeActor(IFabric fabric, NodeRoles roles)
    {
        _fabric = fabric;
        _tap = roles.Tap;
        if (roles.Learner != null) _learner = Context.ActorOf(roles.Learner, "learner");
        if (roles.Rollout != null) _rollout = Context.ActorOf(roles.Rollout, "rollout");
        if (roles.Scorer != null) _scorer = Context.ActorOf(roles.Scorer, "scorer");
        if (roles.Receiver != null) _receiver = Context.ActorOf(roles.Receiver, "weights");
    }

    /// <summary>
    /// The node is to leave: its workers take no more leases and end those they have; what is not done after <paramref name="Grace"/> is handed back.
    /// </summary>
    /// <param name="Grace">Time for the leases under way.</param>
    /// <param name="Drained">Called once every lease is settled.</param>
    public sealed record Drain(TimeSpan Grace, Action Drained) : INoSerializationVerificationNeeded;

    /// <summary>A worker role has no lease left and takes no new one.</summary>
    public sealed record RoleDrained : INoSerializationVerificationNeeded
    {
        /// <summary>The only one there is.</summary>
        public static RoleDrained Instance { get; } = new();
    }

    /// <summary>Messages that no role of this node is for.</summary>
    public long Unroutable { get; private set; }

    /// <inheritdoc/>
    protected override void PreStart() => _fabric.Attach(Self);

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(maxNrOfRetries: -1, withinTimeRange: Timeout.InfiniteTimeSpan, localOnlyDecider: error =>
    {
        _log.Error(error, "a role of node {0} crashed and is restarted", _fabric.Self.Value);
        return Directive.Restart;
    });

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _tap.Before("node", message);
        switch (message)
        {
            case WireEnvelope envelope: Route(envelope); break;
            case FlowMark mark:
                if (_learner != null) _learner.Tell(mark);
                else mark.Reached();
                break;
            case NodeJoined or NodeLeft or NodeUnreachable: _learner?.Tell(message); break;
            case Weights.WeightsApplied applied:
                _rollout?.Tell(applied);
                _scorer?.Tell(applied);
                break;
            case Weights.WeightsAsked asked: _receiver?.Tell(asked); break;
            case Drain drain: OnDrain(drain); break;
            case RoleDrained: OnRoleDrained(); break;
            case Learning.LearnerNodeActor.StopRun: _learner?.Tell(message); break;
            default: Unhandled(message); break;
        }
    }

    private void OnDrain(Drain drain)
    {
        _drained = drain.Drained;
        foreach (var role in new[] { _rollout, _scorer }.OfType<IActorRef>())
        {
            _draining.Add(role);
            role.Tell(drain);
        }

        if (_draining.Count == 0) drain.Drained();
    }

    private void OnRoleDrained()
    {
        if (_draining.Remove(Sender) && _draining.Count == 0) _drained?.Invoke();
    }

    private void Route(WireEnvelope envelope)
    {
        var target = envelope.Message switch
        {
            PolicyPublished => _receiver,
            RolloutLeaseGranted => _rollout,
            ScoreLeaseGranted => _scorer,
            WorkerReady or RolloutCompleted or ScoreCompleted or LeaseFailed or PolicyWanted => _learner,
            _ => null,
        };
        if (envelope.Message is LeaseSettled)
        {
            _rollout?.Tell(envelope);
            _scorer?.Tell(envelope);
        }
        else if (target != null)
        {
            target.Tell(envelope);
        }
        else
        {
            Unroutable++;
            _log.Warning("node {0} has no role for a {1} from {2}", _fabric.Self.Value, envelope.Message.GetType().Name, envelope.From.Value);
        }
    }
}
