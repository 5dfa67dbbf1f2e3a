// LearnerHost: the cluster singleton, the one place where the learner runs.
// Owns: the learner's node actor, made when this process becomes the learner and not before (a standby opens nothing of the run).
// Promises: on hand-over the learner finishes its step and keeps a checkpoint before the next one may begin, or HandOverLimit has passed.
// May lose: what was done since the newest checkpoint, if the process dies; the next learner does it again under a higher epoch.
// Restarted by: the singleton manager, on this node; on another one if this one is gone.
using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>What a process does when it becomes the learner.</summary>
/// <param name="Roles">Opens the run and gives the roles of the learner's node.</param>
/// <param name="WhenOver">Calls back once, on any thread, when the learner of those roles has ended its run, as planned or because it was asked to stop.</param>
public sealed record LearnerHosting(Func<NodeRoles> Roles, Action<Action> WhenOver);

/// <summary>Hosts the learner's node while this process is the learner.</summary>
internal sealed class LearnerHostActor(IFabric fabric, LearnerHosting hosting, TimeSpan handOverLimit) : UntypedActor, IWithTimers
{
    private IActorRef _node = ActorRefs.Nobody;
    private bool _isOver;
    private bool _handsOver;

    /// <summary>Another process is to be the learner.</summary>
    public sealed class HandOver : INoSerializationVerificationNeeded
    {
        public static HandOver Instance { get; } = new();
    }

    private sealed class Over : INoSerializationVerificationNeeded
    {
        public static Over Instance { get; } = new();
    }

    private sealed class HandOverLate : INoSerializationVerificationNeeded
    {
        public static HandOverLate Instance { get; } = new();
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var (roles, node, self) = (hosting.Roles(), fabric, Self);
        _node = Context.ActorOf(Props.Create(() => new NodeActor(node, roles)), fabric.Self.Value);
        hosting.WhenOver(() => self.Tell(Over.Instance, ActorRefs.NoSender));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WireEnvelope: _node.Tell(message); break;
            case LearnerNodeActor.StopRun: _node.Tell(message); break;
            case HandOver: OnHandOver(); break;
            case Over:
                _isOver = true;
                if (_handsOver) Context.Stop(Self);
                break;
            case HandOverLate: Context.Stop(Self); break;
            default: Unhandled(message); break;
        }
    }

    private void OnHandOver()
    {
        _handsOver = true;
        if (_isOver)
        {
            Context.Stop(Self);
            return;
        }

        Timers.StartSingleTimer(nameof(HandOverLate), HandOverLate.Instance, handOverLimit);
        _node.Tell(new LearnerNodeActor.StopRun());
    }
}
