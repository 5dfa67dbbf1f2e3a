// LearnerHost: the cluster singleton, the one place where the learner runs.
// Owns: the seat of the learner and, once the process has opened the run, the learner's node actor. A standby opens nothing of the run.
// Promises: on hand-over the process is told to end the run with a checkpoint, and the next learner begins only after it has released the seat or the
// limit has passed.
// May lose: what was done since the newest checkpoint, if the process dies; the next learner does it again under a higher epoch.
// Restarted by: the singleton manager of another process if this one is gone. In this process nobody: a second seat would open the run twice.
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Distributed.Actors.Learning;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>This process is the learner now, until it releases the seat. Safe to use from any thread.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to release, and its token is read until the process ends.")]
public sealed class LearnerSeat
{
    private readonly IActorRef _host;
    private readonly CancellationTokenSource _handOver = new();

    internal LearnerSeat(IActorRef host) => _host = host;

    /// <summary>Cancelled when another process is to be the learner: end the run with a checkpoint, then release the seat.</summary>
    public CancellationToken HandOver => _handOver.Token;

    /// <summary>Runs the learner's node in the seat.</summary>
    public void Occupy(Props node) => _host.Tell(new LearnerHostActor.Node(node), ActorRefs.NoSender);

    /// <summary>The learner in the seat is to finish its step, keep a checkpoint and report the end of the run.</summary>
    public void RequestStop() => _host.Tell(new LearnerNodeActor.StopRun(), ActorRefs.NoSender);

    /// <summary>The run is closed; another process may open it.</summary>
    public void Release() => _host.Tell(LearnerHostActor.Released.Instance, ActorRefs.NoSender);

    internal void AskForHandOver() => _handOver.Cancel();
}

/// <summary>Hosts the learner's node while this process is the learner.</summary>
internal sealed class LearnerHostActor(ClusterFabric fabric, Action<LearnerSeat> whenChosen, TimeSpan handOverLimit) : UntypedActor, IWithTimers
{
    private LearnerSeat _seat = null!;
    private IActorRef _node = ActorRefs.Nobody;
    private bool _isReleased;
    private bool _handsOver;

    /// <summary>The learner's node.</summary>
    public sealed record Node(Props Props) : INoSerializationVerificationNeeded;

    /// <summary>The run is closed.</summary>
    public sealed class Released : INoSerializationVerificationNeeded
    {
        public static Released Instance { get; } = new();
    }

    /// <summary>Another process is to be the learner.</summary>
    public sealed class HandOver : INoSerializationVerificationNeeded
    {
        public static HandOver Instance { get; } = new();
    }

    private sealed class HandOverLate : INoSerializationVerificationNeeded
    {
        public static HandOverLate Instance { get; } = new();
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        _seat = new LearnerSeat(Self);
        whenChosen(_seat);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Node node: _node = Context.ActorOf(node.Props, fabric.Self.Value); break;
            case LearnerNodeActor.StopRun: if (!_node.IsNobody()) _node.Tell(message); break;
            case HandOver: OnHandOver(); break;
            case Released:
                _isReleased = true;
                if (_handsOver) Context.Stop(Self);
                break;
            case HandOverLate: Context.Stop(Self); break;
            default: Unhandled(message); break;
        }
    }

    private void OnHandOver()
    {
        _handsOver = true;
        if (_isReleased)
        {
            Context.Stop(Self);
            return;
        }

        Timers.StartSingleTimer(nameof(HandOverLate), HandOverLate.Instance, handOverLimit);
        _seat.AskForHandOver();
    }
}
