// Learner: turns complete, scored groups into versions of the policy.
// Owns: the training engine's weights and optimizer, the progress head or the process reward model (its child) during one life, and the run's checkpoints.
// Promises: a batch is trained at most once and answered by exactly one LearnerStepped; a loss or gradient that is not finite changes
// nothing, is said, and ends the run after a bounded number in a row; a checkpoint holds weights, optimizer, head or reward model, and ledger of one version; what it
// waits for outside a step (weights to load, a checkpoint) has a deadline. The coordinator's stall time-out covers the step itself.
// May lose: a step in a crash; the next life begins at the newest checkpoint, where neither the step nor its slots' training happened.
// Restarted by: nobody alone; LearnerNodeActor begins a new life.
using Akka.Actor;
using Distributed.Actors.Coordination;
using Distributed.Actors.Ports;
using Distributed.Actors.Weights;
using Distributed.Credit;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>Trains.</summary>
public sealed class LearnerActor : UntypedActor, IWithTimers
{
    private readonly LearnerLife _life;
    private readonly Checkpoint _start;
    private IActorRef _coordinator = ActorRefs.Nobody;
    private IActorRef _publisher = ActorRefs.Nobody;
    private PolicyVersion _version;
    private ReadOnlyMemory<byte> _weights;
    private StepInProgress? _step;
    private ProgressHead? _progress;
    private IActorRef? _processReward;
    private bool _attributing;
    private PendingCheckpoint? _checkpoint;
    private int _saving;
    private int _skippedInRow;
    private bool _stopWanted;
    private WorkFinished? _finished;

    /// <summary>A learner that begins at <paramref name="start"/>.</summary>
    public LearnerActor(LearnerLife life, Checkpoint start)
    {
        _life = life;
        _start = start;
        _version = new PolicyVersion(start.Version);
        _weights = start.Weights;
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The other actors of this life; work begins.</summary>
    public sealed record Begin(IActorRef Coordinator, IActorRef Publisher) : INoSerializationVerificationNeeded;

    /// <summary>Every step and evaluation is done.</summary>
    public sealed record WorkFinished(LedgerTotals Totals, long Open) : INoSerializationVerificationNeeded;

    /// <summary>End the run now: finish the step under way, keep a checkpoint.</summary>
    public sealed record Stop : INoSerializationVerificationNeeded
    {
        /// <summary>The only one there is.</summary>
        public static Stop Instance { get; } = new();
    }

    private sealed record StartLoaded(EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record TurnStates(TrainBatch Batch, IReadOnlyList<ProgressStates> Asked, HiddenStatesReply Reply) : INoSerializationVerificationNeeded;

    private sealed record OldLogProbs(LogProbsReply Reply) : INoSerializationVerificationNeeded;

    private sealed record ReferenceLogProbs(LogProbsReply Reply) : INoSerializationVerificationNeeded;

    private sealed record Trained(TrainReply Reply) : INoSerializationVerificationNeeded;

    private sealed record WeightsRead(ReadOnlyMemory<byte> Weights, EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record OptimizerRead(PolicyVersion Version, OptimizerState? State, EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record Saved(PolicyVersion Version, EngineError? Error) : INoSerializationVerificationNeeded;

    private sealed record Overdue(string What) : INoSerializationVerificationNeeded;

    private LearningOptions Learning => _life.Settings.Learning;

    private IPolicyEngine Engine => _life.Settings.Engine;

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _life.Settings.Tap.Before("learner", message);
        switch (message)
        {
            case Begin begin: OnBegin(begin); break;
            case StartLoaded loaded: OnStartLoaded(loaded.Error); break;
            case TrainBatch batch: OnBatch(batch); break;
            case TurnStates states: OnTurnStates(states); break;
            case ProcessRewardActor.Rewarded rewarded: OnRewarded(rewarded); break;
            case ReferenceLogProbs reference: OnReferenceLogProbs(reference.Reply); break;
            case OldLogProbs old: OnOldLogProbs(old.Reply); break;
            case Trained trained: OnTrained(trained.Reply); break;
            case WeightsRead read: Require(read.Error); EndStep(read.Weights); break;
            case OptimizerRead read: Require(read.Error); OnCheckpointPart(read.Version, pending => pending.Optimizer = read.State); break;
            case ProcessRewardActor.State state: OnCheckpointPart(state.Version, pending => pending.Credit = state.Bytes); break;
            case CoordinatorActor.LedgerAt ledger: OnCheckpointPart(ledger.Version, pending => pending.Ledger = ledger.Ledger); break;
            case Saved saved: OnSaved(saved); break;
            case Stop: OnStop(); break;
            case WorkFinished finished: _finished = finished; EndIfDone(); break;
            case Overdue overdue: OnOverdue(overdue.What); break;
            default: Unhandled(message); break;
        }
    }

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Escalate);

    private void OnBegin(Begin begin)
    {
        (_coordinator, _publisher) = (begin.Coordinator, begin.Publisher);
        if (Learning.ProcessReward is { } options)
        {
            var (life, engine, kept) = (_life, _life.Settings.ProcessReward!, _start.Progress);
            _processReward = Context.ActorOf(Props.Create(() => new ProcessRewardActor(life, engine, options, kept)), "process-reward");
        }

        WaitFor("the engine to load its weights");
        var self = Self;
        Engine.LoadOptimizer(_start.Optimizer.Step == 0 ? null : _start.Optimizer, error =>
        {
            if (error != null) self.Tell(new StartLoaded(error));
        });
        Engine.LoadWeights(_start.Version, _start.Weights, error => self.Tell(new StartLoaded(error)));
    }

    private void OnStartLoaded(EngineError? error)
    {
        Require(error);
        EndWait();
        _publisher.Tell(new PublishWeights(_version, _weights));
        _coordinator.Tell(CoordinatorActor.LearnerReady.Instance);
    }

    private void OnBatch(TrainBatch batch)
    {
        if (_stopWanted) return; // its rollouts are in the ledger that the last checkpoint keeps
        if (Learning.Progress is null && _processReward is null)
        {
            BeginStep(CreditAssignment.Assign(batch, Learning));
            return;
        }

        _attributing = true;
        if (_processReward is not null)
        {
            _processReward.Tell(new ProcessRewardActor.Reward(batch));
            return;
        }

        var asked = ProgressStates.Of(batch, Engine.Limits.ContextLength);
        var self = Self;
        Engine.HiddenStates([.. asked.Select(states => states.Sequence)], reply => self.Tell(new TurnStates(batch, asked, reply)));
    }

    private void OnRewarded(ProcessRewardActor.Rewarded rewarded)
    {
        _attributing = false;
        BeginStep(CreditAssignment.Assign(rewarded.Batch, Learning, rewards: rewarded.Rewards));
    }

    // A batch is attributed by the head as it was before it; then the head learns from it.
    private void OnTurnStates(TurnStates states)
    {
        Require(states.Reply.Error);
        _attributing = false;
        _progress ??= NewHead(states.Reply.Width);
        var byTurn = states.Asked.Select((asked, index) => asked.ByTurn(states.Reply.States[index], states.Reply.Width)).ToArray();
        BeginStep(CreditAssignment.Assign(states.Batch, Learning, _progress.Attribute(byTurn)));
        _progress.Train(byTurn, [.. states.Batch.Groups.SelectMany(group => group.Rollouts).Select(rollout => rollout.Trajectory.Reward)]);
    }

    private ProgressHead NewHead(int width)
    {
        var head = new ProgressHead(Learning.Progress!, width);
        if (!_start.Progress.IsEmpty) head.Load(_start.Progress.Span);
        return head;
    }

    private void BeginStep(AssignedBatch batch)
    {
        _step = new StepInProgress(batch);
        var self = Self;
        if (_step.Batch.Rows.Count == 0) EndStep(_weights);
        else if (_life.Settings.Reference is { } reference) reference.LogProbs([.. _step.Batch.Rows.Select(row => row.Sequence)], reply => self.Tell(new ReferenceLogProbs(reply)));
        else AskOldLogProbs();
    }

    private void OnReferenceLogProbs(LogProbsReply reply)
    {
        Require(reply.Error);
        _step!.Reference = reply.LogProbs;
        AskOldLogProbs();
    }

    private void AskOldLogProbs()
    {
        var self = Self;
        if (Learning.UseRolloutLogProbs) Deal([.. _step!.Batch.Rows.Select(row => (ReadOnlyMemory<float>)row.ModelLogProbs)]);
        else Engine.LogProbs([.. _step!.Batch.Rows.Select(row => row.Sequence)], reply => self.Tell(new OldLogProbs(reply)));
    }

    private void OnOldLogProbs(LogProbsReply reply)
    {
        Require(reply.Error);
        Deal(reply.LogProbs);
    }

    private void Deal(IReadOnlyList<ReadOnlyMemory<float>> old)
    {
        var pairs = _step!.Batch.Rows.Select((row, index) => PolicyPair.Of(old[index].Span, row.RolloutLogProbs)).ToArray();
        var corrected = RolloutCorrection.Correct(Learning.Correction, pairs);
        var rejection = Learning.Rejection.Count == 0 ? null : RolloutRejection.Apply(Learning.Rejection, pairs);
        if (rejection is not null) Reject(_step, rejection);
        _step.Parts = MiniBatch.Deal(Learning, _step.Batch, old, corrected.Weights, rejection, _step.Reference);
        if (!Learning.UseRolloutLogProbs) _step.Measures.AddMismatch(Mismatch(_step.Batch.Rows, old));
        TrainNextPart();
    }

    // A rollout none of whose tokens is left changes nothing, so it is not counted as trained.
    private static void Reject(StepInProgress step, Rejection rejection)
    {
        step.Measures.AddRejection(rejection);
        for (var row = 0; row < rejection.Kept.Count; row++)
        {
            if (!rejection.Kept[row].Contains(true)) step.Unused[step.Batch.Rows[row].Trajectory.Slot] = CreditAssignment.Rejected;
        }
    }

    // How far the trainer's log-probabilities are from those the sampler recorded for the same softmax: temperature and filters are no mismatch.
    private static OffPolicyMetrics Mismatch(IReadOnlyList<TrainRow> rows, IReadOnlyList<ReadOnlyMemory<float>> trainer) =>
        RolloutCorrection.Correct(new RolloutCorrectionOptions(), [.. rows.Select((row, index) => PolicyPair.Of(trainer[index].Span, row.ModelLogProbs))]).Metrics;

    private void TrainNextPart()
    {
        var part = _step!.Parts[_step.NextPart];
        var self = Self;
        Engine.Train(
            new TrainRequest([.. part.Rows.Select(row => row.Sequence)], part, Learning.Optimizer(_version.Value + 1)),
            reply => self.Tell(new Trained(reply)));
    }

    private void OnTrained(TrainReply reply)
    {
        Require(reply.Error);
        var part = _step!.Parts[_step.NextPart];
        _step.Measures.Add(part, reply);
        if (_step.NextPart == 0 && Learning.UseRolloutLogProbs && reply.Applied)
        {
            _step.Measures.AddMismatch(Mismatch(part.Rows, reply.LogProbs));
        }

        if (reply.Applied)
        {
            _step.Changed = true;
            _skippedInRow = 0;
        }
        else
        {
            foreach (var row in part.Rows) _step.Unused[row.Trajectory.Slot] = "non_finite";
            _life.Observer.OnNotice($"step {_version.Value + 1}: loss {reply.Loss} or gradient {reply.GradNorm} is not finite; the update is skipped and the weights stay");
            if (++_skippedInRow > Learning.MaxSkippedSteps)
            {
                Context.Parent.Tell(new LearnerNodeActor.GiveUp($"{_skippedInRow} updates in a row had a loss or gradient that is not finite; lower optimizer.lr or set optimizer.max_grad_norm"));
                return;
            }
        }

        var self = Self;
        if (++_step.NextPart < _step.Parts.Count) TrainNextPart();
        else if (_step.Changed) Engine.ReadWeights((weights, error) => self.Tell(new WeightsRead(weights, error)));
        else EndStep(_weights);
    }

    private void EndStep(ReadOnlyMemory<byte> weights)
    {
        var step = _step!;
        _step = null;
        _weights = weights;
        _version = new PolicyVersion(_version.Value + 1);
        _publisher.Tell(new PublishWeights(_version, _weights));
        var last = _version.Value >= _life.Settings.Coordinator.Steps;
        var due = last || _stopWanted || IsCheckpointDue();
        if (due) BeginCheckpoint();
        _coordinator.Tell(new CoordinatorActor.LearnerStepped(new StepCompleted(_version, step.Unused), WantsLedger: due));
        _life.Observer.OnStep(new StepFinished(_version, step.Measures.Finish(step.Batch.Metrics, Learning.Optimizer(_version.Value).LearningRate), step.Batch.Rollouts));
    }

    private bool IsCheckpointDue()
    {
        if (Learning.CheckpointEverySteps == 0 || _version.Value % Learning.CheckpointEverySteps != 0) return false;
        if (_checkpoint == null && _saving == 0) return true;
        _life.Observer.OnNotice($"checkpoint {_version.Value} is left out: the one before is still being written; raise checkpoint.every_steps");
        return false;
    }

    private void BeginCheckpoint()
    {
        _checkpoint = new PendingCheckpoint(_version, _weights);
        if (_processReward is null) _checkpoint.Credit = _progress?.Save() ?? _start.Progress;
        WaitFor($"checkpoint {_version.Value} to be saved");
        var (version, self) = (_version, Self);
        // Asked before the next Train can be, and the engine keeps the order: the state is this version's.
        Engine.ReadOptimizer((state, error) => self.Tell(new OptimizerRead(version, state, error)));
        _processReward?.Tell(new ProcessRewardActor.StateWanted(version));
    }

    private void OnCheckpointPart(PolicyVersion version, Action<PendingCheckpoint> take)
    {
        if (_checkpoint == null || _checkpoint.Version != version) return;
        take(_checkpoint);
        if (_checkpoint.Optimizer == null || _checkpoint.Ledger == null || _checkpoint.Credit == null) return;
        var self = Self;
        var checkpoint = new Checkpoint(
            version.Value, _life.Epoch.Value, _checkpoint.Weights, _checkpoint.Optimizer, WireCodec.EncodeLedger(_checkpoint.Ledger), _life.Settings.Recipe, _checkpoint.Credit.Value);
        if (_stopWanted) _finished ??= new WorkFinished(_checkpoint.Ledger.Totals, _checkpoint.Ledger.Groups.Sum(group => group.Slots.LongCount(slot => slot.DropReason == null)));
        _checkpoint = null;
        _saving++;
        var lives = _life.Settings.Lives;
        lives.SaveBegins();
        _life.Settings.Checkpoints.Save(checkpoint, error =>
        {
            lives.SaveEnds();
            self.Tell(new Saved(version, error));
        });
    }

    private void OnSaved(Saved saved)
    {
        _saving--;
        if (saved.Error != null)
        {
            Context.Parent.Tell(new LearnerNodeActor.GiveUp($"checkpoint {saved.Version.Value} could not be saved: {saved.Error.Message}"));
            return;
        }

        EndWait();
        EndIfDone();
    }

    private void OnStop()
    {
        if (_stopWanted) return;
        _stopWanted = true;
        if (_step != null || _attributing || _checkpoint != null) return; // the step under way ends with a checkpoint; one under way is the last
        BeginCheckpoint();
        _coordinator.Tell(CoordinatorActor.LedgerWanted.Instance);
    }

    private void EndIfDone()
    {
        if (_finished != null && _saving == 0 && _checkpoint == null)
            Context.Parent.Tell(new LearnerNodeActor.Done(new RunEnded(_version, _finished.Totals, _finished.Open)));
    }

    private void WaitFor(string what) =>
        Timers.StartSingleTimer(nameof(Overdue), new Overdue(what), TimeSpan.FromMilliseconds(_life.Settings.Coordinator.StallTimeoutMs));

    private void EndWait()
    {
        if (_saving == 0 && _checkpoint == null) Timers.Cancel(nameof(Overdue));
    }

    private void OnOverdue(string what)
    {
        var line = $"no progress for {_life.Settings.Coordinator.StallTimeoutMs / 1000} s: the learner waits for {what}";
        if (_life.Settings.Coordinator.AbortOnStall) Context.Parent.Tell(new LearnerNodeActor.GiveUp(line));
        else _life.Observer.OnNotice(line);
    }

    // An engine that cannot do its work is a reason to begin a new life from the newest checkpoint.
    private static void Require(EngineError? error)
    {
        if (error != null) throw new InvalidOperationException(error.Message);
    }
}
