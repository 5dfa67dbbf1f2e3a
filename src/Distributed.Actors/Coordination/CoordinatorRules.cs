using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// The coordinator's rules as a deterministic machine without time, chance or input and output of its own: messages and the clock go in,
/// <see cref="Effect"/>s come out.
/// </summary>
/// <remarks>
/// What it promises: every planned slot ends trained or dropped with a reason; every lease ends exactly once; admission
/// (<see cref="Admission"/>) is never exceeded; a batch holds the oldest ended groups and no sample older than the staleness bound;
/// nothing trains while an evaluation of the standing version is under way; a second answer for a slot changes nothing and is counted.
/// </remarks>
public sealed class CoordinatorRules
{
    private readonly CoordinatorOptions _options;
    private readonly LearnerEpoch _epoch;
    private readonly Ledger _ledger;
    private readonly LeaseBook _leases = new();
    private readonly SortedSet<Slot> _toRollOut = [];
    private readonly SortedSet<Slot> _toScore = [];
    private readonly List<Effect> _effects = [];
    private PolicyVersion _version;
    private EvaluationRound? _evaluation;
    private TrainBatch? _training;
    private bool _started;
    private bool _finished;
    private long _lastProgressMs;
    private bool _stallSaid;

    /// <summary>Rules over a ledger (new, or out of a checkpoint) for a learner's life.</summary>
    public CoordinatorRules(CoordinatorOptions options, LearnerEpoch epoch, Ledger ledger)
    {
        _options = options;
        _epoch = epoch;
        _ledger = ledger;
        foreach (var slot in ledger.Groups.Values.SelectMany(group => group))
        {
            if (slot.State == SlotState.Planned) _toRollOut.Add(slot.Slot);
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

    /// <summary>The learner is ready at a version: work begins.</summary>
    public IReadOnlyList<Effect> Start(PolicyVersion version, long nowMs)
    {
        _version = version;
        _started = true;
        Progress(nowMs);
        BeginEvaluationIfDue();
        return Advance(nowMs);
    }

    /// <summary>A worker offers itself.</summary>
    public IReadOnlyList<Effect> Handle(WorkerReady offer, long nowMs)
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
    public IReadOnlyList<Effect> Handle(RolloutCompleted message, long nowMs)
    {
        Settle(message.Worker, message.Lease);
        if (message.Epoch != _epoch) return Flush();
        var lease = _leases.Take(message.Lease);
        var slot = message.Trajectory.Slot;
        if (lease?.Kind == LeaseKind.Evaluation || (lease == null && _evaluation?.Version.Value == slot.Group && _evaluation.IsOpen(slot)))
        {
            _leases.TakeFor(LeaseKind.Evaluation, slot);
            if (_evaluation is { } round && round.Complete(slot, message.Trajectory)) Progress(nowMs);
            else SecondAnswers++;
            return Advance(nowMs);
        }

        // A late answer of an expired lease is as good as the new one's: the slot, not the lease, decides.
        if (_ledger.Find(slot) is not { State: SlotState.Planned or SlotState.Leased } entry)
        {
            SecondAnswers++;
            return Advance(nowMs);
        }

        _leases.TakeFor(LeaseKind.Rollout, slot);
        _toRollOut.Remove(slot);
        _ledger.Generated(entry, message.Trajectory);
        ToScoreOrReady(entry);
        Progress(nowMs);
        return Advance(nowMs);
    }

    /// <summary>Scores came back.</summary>
    public IReadOnlyList<Effect> Handle(ScoreCompleted message, long nowMs)
    {
        Settle(message.Worker, message.Lease);
        if (message.Epoch != _epoch) return Flush();
        if (_leases.Take(message.Lease) is { Kind: LeaseKind.Score } lease && _ledger.Find(lease.Slot) is { State: SlotState.Generated } entry)
        {
            _ledger.Scored(entry, message.Scores);
            Progress(nowMs);
        }
        else
        {
            SecondAnswers++;
        }

        return Advance(nowMs);
    }

    /// <summary>A worker could not do its job.</summary>
    public IReadOnlyList<Effect> Handle(LeaseFailed message, long nowMs)
    {
        Settle(message.Worker, message.Lease);
        if (message.Epoch == _epoch && _leases.Take(message.Lease) is { } lease) Return(lease, message.Reason);
        return Advance(nowMs);
    }

    /// <summary>The learner has done a step.</summary>
    public IReadOnlyList<Effect> Handle(StepCompleted message, long nowMs)
    {
        if (_training == null || message.Version.Value != _version.Value + 1)
            throw new LedgerException($"step {message.Version.Value} completed while {_version.Value} stands");
        foreach (var group in _training.Groups) _ledger.Settle(group.Group, message.Unused);
        _training = null;
        _version = message.Version;
        _ledger.CheckConservation();
        Progress(nowMs);
        BeginEvaluationIfDue();
        return Advance(nowMs);
    }

    /// <summary>Time has passed.</summary>
    public IReadOnlyList<Effect> Tick(long nowMs)
    {
        foreach (var lease in _leases.TakeExpired(nowMs)) Return(lease, "deadline passed");
        if (_started && !_finished && nowMs - _lastProgressMs > _options.StallTimeoutMs && !_stallSaid)
        {
            _stallSaid = true;
            var line = $"no progress for {(nowMs - _lastProgressMs) / 1000} s: {DescribeWaits()}";
            _effects.Add(_options.AbortOnStall ? new Effect.Failed(line) : new Effect.Notice(line));
        }

        return Advance(nowMs);
    }

    /// <summary>Who waits for what, in one line.</summary>
    public string DescribeWaits()
    {
        var workers = _leases.Workers.Count == 0
            ? "no worker has offered itself"
            : string.Join(", ", _leases.Workers.Select(w => $"{w.Key.Node} ({w.Key.Role.ToString().ToLowerInvariant()}, version {w.Value.Offer.Version.Value}) holds {w.Value.Leases.Count} leases"));
        var waiting = _training != null ? $"the learner trains version {_version.Value + 1}"
            : _evaluation is { IsDone: false } round ? $"the evaluation of version {round.Version.Value} waits for {round.OpenCount} episodes"
            : $"{_toRollOut.Count} rollouts and {_toScore.Count} scores wait for a worker, {_ledger.EndedGroups.Count} of {_options.PromptsPerStep} groups are ready";
        return $"{waiting}; {workers}";
    }

    private void ToScoreOrReady(LedgerSlot slot)
    {
        if (_options.NeedsScores && slot.Trajectory is { Turns.Length: > 1, GoldenAnswers.Length: > 0 }) _toScore.Add(slot.Slot);
        else _ledger.Scored(slot, null);
    }

    private void Return(Lease lease, string reason)
    {
        if (lease.Kind == LeaseKind.Evaluation)
        {
            if (_evaluation is { } round && !round.Fail(lease.Slot, _options.MaxAttempts)) _effects.Add(new Effect.Notice($"held-out episode {lease.Slot.Sample} given up: {reason}"));
            return;
        }

        if (_ledger.Find(lease.Slot) is not { } slot) return;
        if (lease.Kind == LeaseKind.Rollout)
        {
            if (slot.State != SlotState.Leased) return;
            _ledger.Unlease(slot);
            _toRollOut.Add(slot.Slot);
        }
        else
        {
            if (slot.State != SlotState.Generated) return;
            _ledger.ScoringFailed(slot);
            _toScore.Add(slot.Slot);
        }

        if (slot.FailedAttempts < _options.MaxAttempts) return;
        _toRollOut.Remove(slot.Slot);
        _toScore.Remove(slot.Slot);
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
                Progress(nowMs);
            }

            if (_version.Value >= _options.Steps && _evaluation == null)
            {
                _finished = true;
                _effects.Add(new Effect.Finished());
                return Flush();
            }

            PlanGroups();
            FormBatch();
            GrantLeases(nowMs);
        }

        return Flush();
    }

    private void PlanGroups()
    {
        while (_ledger.NextGroup < Admission.PlannedGroupsMax(_options, _version))
            foreach (var slot in _ledger.Plan(_options.GroupSize)) _toRollOut.Add(slot.Slot);
    }

    private void FormBatch()
    {
        if (_training != null || _evaluation != null || _version.Value >= _options.Steps || _ledger.EndedGroups.Count < _options.PromptsPerStep) return;
        var groups = new List<TrainGroup>();
        foreach (var group in _ledger.EndedGroups.Take(_options.PromptsPerStep).ToArray())
        {
            var alive = _ledger.Take(group).ToList();
            foreach (var slot in alive.Where(slot => !Admission.IsFresh(_options, slot.Trajectory!.OldestVersion, _version)).ToArray())
            {
                _ledger.Drop(slot, "stale");
                alive.Remove(slot);
            }

            if (alive.Count == 1)
            {
                // One rollout has nothing to be compared with.
                _ledger.Drop(alive[0], "group_too_small");
                alive.Clear();
            }

            groups.Add(new TrainGroup(group, [.. alive.Select(slot => new ScoredTrajectory(slot.Trajectory!, slot.Scores))]));
        }

        _training = new TrainBatch(_version, groups);
        _effects.Add(new Effect.Train(_training));
    }

    private void GrantLeases(long nowMs)
    {
        foreach (var worker in _leases.Workers.Values)
        {
            if (worker.Offer.Epoch != _epoch) continue;
            var version = worker.Offer.Version;
            if (worker.Offer.Role == WorkerRole.Rollout)
            {
                while (worker.Free > 0 && version == _version && _evaluation?.Next() is { } question)
                    GrantRollout(worker, LeaseKind.Evaluation, question, _evaluation.Attempt(question), nowMs);
                while (worker.Free > 0 && _toRollOut.Count > 0 && Admission.IsFresh(_options, version, _version))
                {
                    var slot = _ledger.Find(_toRollOut.Min)!;
                    _toRollOut.Remove(slot.Slot);
                    _ledger.Lease(slot);
                    GrantRollout(worker, LeaseKind.Rollout, slot.Slot, slot.FailedAttempts, nowMs);
                }
            }
            else
            {
                while (worker.Free > 0 && NextToScore(version) is { } slot)
                {
                    _toScore.Remove(slot.Slot);
                    var lease = _leases.Grant(LeaseKind.Score, slot.Slot, worker, nowMs + _options.LeaseTimeoutMs);
                    _effects.Add(new Effect.GrantScore(worker.Offer.Worker, lease.Id, slot.Trajectory!, slot.FailedAttempts));
                }
            }
        }
    }

    // A scorer never scores with weights older than those that sampled.
    private LedgerSlot? NextToScore(PolicyVersion version)
    {
        foreach (var slot in _toScore)
        {
            var entry = _ledger.Find(slot)!;
            if (entry.Trajectory!.Turns[^1].Version.Value <= version.Value) return entry;
        }

        return null;
    }

    private void GrantRollout(Worker worker, LeaseKind kind, Slot slot, int attempt, long nowMs)
    {
        var lease = _leases.Grant(kind, slot, worker, nowMs + _options.LeaseTimeoutMs);
        var evaluation = kind == LeaseKind.Evaluation;
        var job = new RolloutJob(
            slot,
            HeldOut: evaluation,
            ProblemIndex: evaluation ? slot.Sample : Admission.ProblemIndex(_options, slot.Group),
            Seed: Seeds.Derive(_options.Seed, evaluation ? "evaluation" : "rollout", slot.Group, slot.Sample),
            Greedy: evaluation);
        _effects.Add(new Effect.Send(worker.Offer.Worker, new RolloutLeaseGranted(_epoch, lease.Id, job, attempt, _options.LeaseTimeoutMs)));
    }

    private void BeginEvaluationIfDue()
    {
        if (_options.EvaluationQuestions == 0) return;
        var due = _version.Value == 0 || _version.Value >= _options.Steps
            || (_options.EvaluationEverySteps > 0 && _version.Value % _options.EvaluationEverySteps == 0);
        if (due) _evaluation = new EvaluationRound(_version, _options.EvaluationQuestions);
    }

    private void Settle(NodeId worker, LeaseId lease) => _effects.Add(new Effect.Send(worker, new LeaseSettled(_epoch, lease)));

    private void Progress(long nowMs)
    {
        _lastProgressMs = nowMs;
        _stallSaid = false;
    }

    private IReadOnlyList<Effect> Flush()
    {
        var effects = _effects.ToArray();
        _effects.Clear();
        return effects;
    }
}
