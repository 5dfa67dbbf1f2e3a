// Coordinator: owns the ledger and the leases of one learner life.
// Promises: it only executes what CoordinatorRules decide; every request it gets is answered (LeaseSettled) even if it comes late or twice.
// May lose: nothing that matters. A message it loses (crash, network) is repeated by its sender or healed by a lease's deadline.
// Restarted by: nobody alone. If it crashes, LearnerNodeActor ends this life and begins the next from the newest checkpoint.
using Akka.Actor;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>Executes <see cref="CoordinatorRules"/> on messages and time.</summary>
public sealed class CoordinatorActor : UntypedActor, IWithTimers
{
    private readonly LearnerLife _life;
    private readonly CoordinatorRules _rules;
    private readonly IActorRef _learner;

    /// <summary>The coordinator of a life, telling <paramref name="learner"/> its batches.</summary>
    public CoordinatorActor(LearnerLife life, Ledger ledger, IActorRef learner)
    {
        _life = life;
        _learner = learner;
        _rules = new CoordinatorRules(life.Settings.Coordinator, life.Epoch, life.Start, ledger);
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The learner has its weights and is ready to train.</summary>
    public sealed record LearnerReady : INoSerializationVerificationNeeded
    {
        /// <summary>The only one there is.</summary>
        public static LearnerReady Instance { get; } = new();
    }

    /// <summary>A step is done. The reply is <see cref="LedgerAt"/> if <paramref name="WantsLedger"/>.</summary>
    public sealed record LearnerStepped(StepCompleted Step, bool WantsLedger) : INoSerializationVerificationNeeded;

    /// <summary>The ledger right after a step.</summary>
    public sealed record LedgerAt(PolicyVersion Version, LedgerSnapshot Ledger) : INoSerializationVerificationNeeded;

    /// <summary>Asks for <see cref="LedgerAt"/> as it stands, between steps.</summary>
    public sealed record LedgerWanted : INoSerializationVerificationNeeded
    {
        /// <summary>The only one there is.</summary>
        public static LedgerWanted Instance { get; } = new();
    }

    private sealed class Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    /// <inheritdoc/>
    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance,
        TimeSpan.FromMilliseconds(_life.Settings.Coordinator.TickMs));

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _life.Settings.Tap.Before("coordinator", message);
        var now = NowMs;
        switch (message)
        {
            case WireEnvelope { Message: WorkerReady ready }: Perform(_rules.Handle(ready, now)); break;
            case WireEnvelope { Message: RolloutCompleted completed }: Perform(_rules.Handle(completed, now)); break;
            case WireEnvelope { Message: ScoreCompleted completed }: Perform(_rules.Handle(completed, now)); break;
            case WireEnvelope { Message: LeaseFailed failed }: Perform(_rules.Handle(failed, now)); break;
            case NodeLeft left: Perform(_rules.NodeLost(left.Node, now)); break;
            case NodeUnreachable unreachable: Perform(_rules.NodeLost(unreachable.Node, now)); break;
            case NodeJoined: break;
            case FlowMark mark: mark.Reached(); break;
            case LearnerReady: Perform(_rules.Start(now)); break;
            case LearnerStepped stepped:
                var effects = _rules.Handle(stepped.Step, now);
                // First of all: a checkpoint that is made of the ledger must not stand before this is known.
                foreach (var settled in effects.OfType<Effect.Settled>()) _life.Observer.OnSettled(new StepSettled(settled.Version, _life.Epoch, settled.Groups));
                if (stepped.WantsLedger) Sender.Tell(new LedgerAt(_rules.Version, _rules.Ledger.Snapshot(_rules.Version)));
                Perform(effects);
                break;
            case LedgerWanted: Sender.Tell(new LedgerAt(_rules.Version, _rules.Ledger.Snapshot(_rules.Version))); break;
            case Tick: Perform(_rules.Tick(now)); break;
            default: Unhandled(message); break;
        }
    }

    private long NowMs => (long)_life.Settings.Time.GetElapsedTime(0).TotalMilliseconds;

    private void Perform(IReadOnlyList<Effect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case Effect.Send send:
                    _life.Fabric.Tell(send.To, send.Message);
                    break;
                case Effect.GrantScore grant:
                    var job = _life.Settings.ScoreJobs.Build(grant.Trajectory);
                    _life.Fabric.Tell(grant.To, new ScoreLeaseGranted(_life.Epoch, grant.Lease, job, grant.Attempt, _life.Settings.Coordinator.LeaseTimeoutMs));
                    break;
                case Effect.Train train:
                    _learner.Tell(train.Batch);
                    break;
                case Effect.Settled: // reported when the step was
                    break;
                case Effect.Evaluated evaluated:
                    _life.Observer.OnEvaluation(Evaluations.Summarise(evaluated));
                    break;
                case Effect.Notice notice:
                    _life.Observer.OnNotice(notice.Line);
                    break;
                case Effect.Finished:
                    _learner.Tell(new LearnerActor.WorkFinished(_rules.Ledger.Totals, _rules.Ledger.Open));
                    break;
                case Effect.Failed failed:
                    Context.Parent.Tell(new LearnerNodeActor.GiveUp(failed.Reason));
                    break;
                default:
                    throw new InvalidOperationException($"effect {effect.GetType().Name} has no performer");
            }
        }
    }
}
