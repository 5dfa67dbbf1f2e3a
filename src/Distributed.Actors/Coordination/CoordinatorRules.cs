using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// The coordinator's rules as a deterministic machine without time, chance or input and output of its own: messages and the clock go in,
/// <see cref="Effect"/>s come out.
/// </summary>
/// <remarks>
/// What it promises: every planned slot ends trained or dropped with a reason; every lease ends exactly once; admission
/// (<see cref="Admission"/>) is never exceeded; a batch holds the oldest ended groups and no sample older than the staleness bound;
/// nothing trains while an evaluation of the standing version is under way; the slot, not the lease, decides whether an answer is
/// wanted: the first answer counts even if its lease has expired, a second one changes nothing and is counted.
/// </remarks>
public class CoordinatorRules
{
    private const int WorkersNamed = 16; // in one line
    private readonly CoordinatorOptions _options;
    private readonly LearnerEpoch _epoch;
    private readonly Ledger _ledger;
    private readonly LeaseBook _leases = new();
    private readonly Backlog _backlog;
    private readonly LeaseGranting _granting;
    private readonly StallWatch _stall;
    private readonly List<Effect> _effects = [];
    private PolicyVersion _version;
    private EvaluationRound? _evaluation;
    private TrainBatch? _training;
    private bool _started;
    private bool _finished;

    /// <summary>Rules over a ledger (new, or out of a checkpoint) for a learner's life that begins at <paramref name="version"/>.</summary>
    public CoordinatorRules(CoordinatorOptions options, LearnerEpoch epoch, PolicyVersion version, Ledger ledger)
    {
        _options = options;
        _epoch = epoch;
        _version = version;
        _ledger = ledger;
        _backlog = new Backlog(options);
        _granting = new LeaseGranting(options, epoch, ledger, _leases, _backlog);
        _stall = new StallWatch(options.StallTimeoutMs, options.TickMs);
        foreach (var slot in ledger.Groups.Values.SelectMany(group => group))
        {
            if (slot.State == SlotState.Planned) _backlog.ToRollOut(slot);
            else if (slot.State == SlotState.Generated) ToScoreOrReady(slot);
        }
    }

    /// <summary>The books.</summary>
    public Ledger Ledger => _ledger;

    /// <summary>Who works and who holds what.</summary>
    public LeaseBook Leases => _leases;

    /// <summary>The version that stands.</summary>
    public PolicyVersion Version => _version;

    /// <summary>Answers that came for slots that needed none any more.</summary>
    public long SecondAnswers { get; private set; }

    /// <summary>Answers that were refused because they cannot be an answer to their lease.</summary>
    public long RefusedAnswers { get; private set; }

    /// <summary>The learner is ready: work begins.</summary>
    public IReadOnlyList<Effect> Start(long nowMs)
    {
        _started = true;
        _stall.Progress(nowMs);
        BeginEvaluationIfDue();
        return Advance(nowMs);
    }

    /// <summary>A worker offers itself.</summary>
    public virtual IReadOnlyList<Effect> Handle(WorkerReady offer, long nowMs)
    {
        if (_leases.Offer(offer) is { } lost)
            foreach (var lease in lost) Return(lease, "worker restarted");
        return Advance(nowMs);
    }

    /// <summary>A node is gone.</summary>
    public IReadOnlyList<Effect> NodeLost(NodeId node, long nowMs)
    {
        foreach (var lease in _leases.Remove(node)) Return(lease, "worker lost");
        return Advance(nowMs);
    }

    /// <summary>An episode came back.</summary>
    public virtual IReadOnlyList<Effect> Handle(RolloutCompleted message, long nowMs)
    {
        Settle(message.Worker, message.Epoch, message.Lease);
        if (message.Epoch != _epoch) return Flush();
        var (lease, trajectory) = (_leases.TakeAnswered(message.Lease, nowMs), message.Trajectory);
        var slot = trajectory.Slot;
        var fault = lease != null && (lease.Kind == LeaseKind.Score || lease.Slot != slot) ? $"it is of rollout {slot}"
            : Answers.Fault(trajectory, _version) ?? _evaluation?.Fault(trajectory);
        if (fault != null)
        {
            Refuse(message.Worker, lease, fault);
        }
        else if (EvaluationRound.Owns(slot))
        {
            CancelOther(LeaseKind.Evaluation, slot);
            if (_evaluation is { } round && round.Complete(slot, trajectory)) _stall.Progress(nowMs);
            else SecondAnswers++;
        }
        else if (_ledger.Find(slot) is { State: SlotState.Planned or SlotState.Leased } entry)
        {
            CancelOther(LeaseKind.Rollout, slot);
            _backlog.Remove(entry);
            _ledger.Generated(entry, trajectory);
            ToScoreOrReady(entry);
            _stall.Progress(nowMs);
        }
        else
        {
            SecondAnswers++;
        }

        return Advance(nowMs);
    }

    /// <summary>Scores came back.</summary>
    public IReadOnlyList<Effect> Handle(ScoreCompleted message, long nowMs)
    {
        Settle(message.Worker, message.Epoch, message.Lease);
        if (message.Epoch != _epoch) return Flush();
        var (lease, slot) = (_leases.TakeAnswered(message.Lease, nowMs), message.Slot);
        var entry = _ledger.Find(slot);
        var fault = lease != null && (lease.Kind != LeaseKind.Score || lease.Slot != slot) ? $"it is of rollout {slot}"
            : entry?.Trajectory is { } trajectory ? Answers.Fault(message.Scores, trajectory) : null;
        if (fault != null)
        {
            Refuse(message.Worker, lease, fault);
        }
        else if (entry is { State: SlotState.Generated })
        {
            CancelOther(LeaseKind.Score, slot);
            _backlog.Remove(entry);
            _ledger.Scored(entry, message.Scores);
            _stall.Progress(nowMs);
        }
        else
        {
            SecondAnswers++;
        }

        return Advance(nowMs);
    }

    /// <summary>A worker could not do its job, or did not take it.</summary>
    public IReadOnlyList<Effect> Handle(LeaseFailed message, long nowMs)
    {
        Settle(message.Worker, message.Epoch, message.Lease);
        if (message.Epoch != _epoch) return Flush();
        if (_leases.Take(message.Lease) is { } lease)
        {
            if (message.Declined) _leases.Pause(lease);
            Return(lease, message.Reason, attempted: !message.Declined);
        }

        return Advance(nowMs);
    }

    /// <summary>The learner has done a step.</summary>
    public IReadOnlyList<Effect> Handle(StepCompleted message, long nowMs)
    {
        if (_training == null || message.Version.Value != _version.Value + 1)
            throw new LedgerException($"step {message.Version.Value} completed while version {_version.Value} stands and {(_training == null ? "nothing" : "the next")} is trained");
        _effects.Add(new Effect.Settled(message.Version, [.. _training.Groups.Select(group => _ledger.Settle(group.Group, message.Unused))]));
        _training = null;
        _version = message.Version;
        _ledger.CheckConservation();
        _stall.Progress(nowMs);
        BeginEvaluationIfDue();
        return Advance(nowMs);
    }

    /// <summary>Time has passed.</summary>
    public IReadOnlyList<Effect> Tick(long nowMs)
    {
        foreach (var lease in _leases.TakeExpired(nowMs)) Return(lease, "deadline passed");
        if (_started && !_finished && _stall.IsNewAt(nowMs))
        {
            var line = $"no progress for {_stall.QuietSeconds(nowMs)} s: {DescribeWaits()}";
            _effects.Add(_options.AbortOnStall ? new Effect.Failed(line) : new Effect.Notice(line));
        }

        return Advance(nowMs);
    }

    /// <summary>How many groups may have been planned since the run began.</summary>
    protected virtual long PlannedGroupsMax => Admission.PlannedGroupsMax(_options, _version);

    /// <summary>Who waits for what, in one line.</summary>
    public string DescribeWaits()
    {
        var workers = _leases.Workers.Count == 0
            ? "no worker has offered itself"
            : string.Join(", ", _leases.Workers.Take(WorkersNamed).Select(w => $"{w.Key.Node} ({w.Key.Role.ToString().ToLowerInvariant()}, version {w.Value.Offer.Version.Value}) holds {w.Value.Leases.Count} leases"))
                + (_leases.Workers.Count > WorkersNamed ? $" and {_leases.Workers.Count - WorkersNamed} more hold {_leases.Workers.Skip(WorkersNamed).Sum(w => w.Value.Leases.Count)}" : "");
        var waiting = !_started ? "the learner loads its weights"
            : _training != null ? $"the learner trains version {_version.Value + 1}"
            : _evaluation is { IsDone: false } round ? $"the evaluation of version {round.Version.Value} waits for {round.OpenCount} episodes"
            : $"{_backlog.RolloutCount} rollouts and {_backlog.ScoreCount} scores wait for a worker, {_ledger.EndedGroups.Count} of {_options.PromptsPerStep} groups are ready";
        return $"{waiting}; {workers}";
    }

    private void ToScoreOrReady(LedgerSlot slot)
    {
        if (_options.NeedsScores && slot.Trajectory is { Turns.Length: > 1, GoldenAnswers.Length: > 0 }) _backlog.ToScore(slot);
        else _ledger.Scored(slot, null);
    }

    // An answer that is none: the lease is over, and the job is tried again.
    private void Refuse(NodeId worker, Lease? lease, string fault)
    {
        RefusedAnswers++;
        _effects.Add(new Effect.Notice($"an answer of {worker} is refused: {fault}"));
        if (lease != null) Return(lease, $"the answer was refused: {fault}");
    }

    // The slot has its answer: whoever else works on it may stop.
    private void CancelOther(LeaseKind kind, Slot slot)
    {
        if (_leases.TakeFor(kind, slot) is { } other) Settle(other.Worker, _epoch, other.Id);
    }

    private void Return(Lease lease, string reason, bool attempted = true)
    {
        if (lease.Kind == LeaseKind.Evaluation)
        {
            if (_evaluation is { } round && !round.Return(lease.Slot, attempted ? _options.MaxAttempts : null))
                _effects.Add(new Effect.Notice($"held-out episode {lease.Slot.Sample} given up after {_options.MaxAttempts} attempts: {reason}"));
            return;
        }

        if (_ledger.Find(lease.Slot) is not { } slot) return;
        if (lease.Kind == LeaseKind.Rollout)
        {
            if (slot.State != SlotState.Leased) return;
            _ledger.Unlease(slot, attempted);
            _backlog.ToRollOut(slot);
        }
        else
        {
            if (slot.State != SlotState.Generated) return;
            if (attempted) _ledger.ScoringFailed(slot);
            _backlog.ToScore(slot);
        }

        if (slot.FailedAttempts >= _options.MaxAttempts) GiveUp(slot, reason);
    }

    private void GiveUp(LedgerSlot slot, string reason)
    {
        _backlog.Remove(slot);
        if (slot.State == SlotState.Generated)
        {
            // An episode that cannot be scored still has its outcome.
            _ledger.Scored(slot, null);
            _effects.Add(new Effect.Notice($"rollout {slot.Slot} trains without information gain after {_options.MaxAttempts} attempts to score it: {reason}"));
        }
        else
        {
            _ledger.Drop(slot, "failed");
            _effects.Add(new Effect.Notice($"rollout {slot.Slot} given up after {_options.MaxAttempts} attempts: {reason}"));
        }
    }

    private IReadOnlyList<Effect> Advance(long nowMs)
    {
        if (_started && !_finished)
        {
            if (_evaluation is { IsDone: true } done)
            {
                _evaluation = null;
                _effects.Add(new Effect.Evaluated(done.Version, done.Trajectories, done.Failed));
                _stall.Progress(nowMs);
            }

            if (_version.Value >= _options.Steps && _evaluation == null)
            {
                _finished = true;
                _effects.Add(new Effect.Finished());
                return Flush();
            }

            PlanGroups();
            FormBatch(nowMs);
            _effects.AddRange(_granting.Grant(_version, _evaluation, nowMs));
        }

        return Flush();
    }

    private void PlanGroups()
    {
        while (_ledger.NextGroup < PlannedGroupsMax)
            foreach (var slot in _ledger.Plan(_options.GroupSize)) _backlog.ToRollOut(slot);
    }

    private void FormBatch(long nowMs)
    {
        if (_training != null || _evaluation != null || _version.Value >= _options.Steps || _ledger.EndedGroups.Count < _options.PromptsPerStep) return;
        _training = BatchForming.TakeOldest(_ledger, _options, _version);
        _effects.Add(new Effect.Train(_training));
        _stall.Progress(nowMs); // also if it was a slot given up that completed it
    }

    private void BeginEvaluationIfDue()
    {
        if (_options.EvaluationQuestions == 0) return;
        var last = _version.Value >= _options.Steps;
        var due = _version.Value == 0 || last || (_options.EvaluationEverySteps > 0 && _version.Value % _options.EvaluationEverySteps == 0);
        if (due) _evaluation = new EvaluationRound(_version, last && _options.FinalEvaluationQuestions > 0 ? _options.FinalEvaluationQuestions : _options.EvaluationQuestions, _options.SuspectAfter);
    }

    // Under the lease's own epoch: lease numbers begin anew in every life. What a later learner has granted is not ours to settle.
    private void Settle(NodeId worker, LearnerEpoch epoch, LeaseId lease)
    {
        if (epoch.Value <= _epoch.Value) _effects.Add(new Effect.Send(worker, new LeaseSettled(epoch, lease)));
    }

    private IReadOnlyList<Effect> Flush()
    {
        var effects = _effects.ToArray();
        _effects.Clear();
        return effects;
    }
}
