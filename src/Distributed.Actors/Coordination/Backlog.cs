using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// The slots of the ledger that wait for a worker, rollouts in training order. Suspects, slots that were tried in vain
/// <see cref="CoordinatorOptions.SuspectAfter"/> times, stand apart: what brings them down may bring down what is done beside them.
/// </summary>
public sealed class Backlog(CoordinatorOptions options)
{
    private static readonly IComparer<LedgerSlot> TrainingOrder = Comparer<LedgerSlot>.Create((a, b) => a.Slot.CompareTo(b.Slot));
    private static readonly IComparer<LedgerSlot> ScoringOrder = Comparer<LedgerSlot>.Create((a, b) => (LeastScorer(a).Value, a.Slot).CompareTo((LeastScorer(b).Value, b.Slot)));
    private readonly SortedSet<LedgerSlot> _rollouts = new(TrainingOrder);
    private readonly SortedSet<LedgerSlot> _scores = new(ScoringOrder);
    private readonly SortedSet<LedgerSlot> _suspectRollouts = new(TrainingOrder);
    private readonly SortedSet<LedgerSlot> _suspectScores = new(ScoringOrder);

    /// <summary>Rollouts that wait.</summary>
    public int RolloutCount => _rollouts.Count + _suspectRollouts.Count;

    /// <summary>Scores that wait.</summary>
    public int ScoreCount => _scores.Count + _suspectScores.Count;

    /// <summary>A slot waits to be rolled out.</summary>
    public void ToRollOut(LedgerSlot slot) => (IsSuspect(slot) ? _suspectRollouts : _rollouts).Add(slot);

    /// <summary>A slot waits to be scored.</summary>
    public void ToScore(LedgerSlot slot) => (IsSuspect(slot) ? _suspectScores : _scores).Add(slot);

    /// <summary>A slot waits no longer, if it did.</summary>
    public void Remove(LedgerSlot slot)
    {
        _rollouts.Remove(slot);
        _suspectRollouts.Remove(slot);
        if (slot.Trajectory == null) return;
        _scores.Remove(slot);
        _suspectScores.Remove(slot);
    }

    /// <summary>Takes the first rollout that a worker at a version may make; null if there is none. If not the first, then none of the later ones.</summary>
    public LedgerSlot? TakeRollout(PolicyVersion worker, PolicyVersion standing, bool suspect)
    {
        var waiting = suspect ? _suspectRollouts : _rollouts;
        return HasRollout(waiting, worker, standing) ? TakeFirst(waiting) : null;
    }

    /// <summary>
    /// Takes the first trajectory that a scorer at a version may score: never with weights older than those that sampled it. What older weights sampled goes first, so if not
    /// the first, then none of the later ones.
    /// </summary>
    public LedgerSlot? TakeScore(PolicyVersion scorer, bool suspect)
    {
        var waiting = suspect ? _suspectScores : _scores;
        return HasScore(waiting, scorer) ? TakeFirst(waiting) : null;
    }

    /// <summary>Whether a suspect waits at all.</summary>
    public bool HasSuspects(WorkerRole role) => (role == WorkerRole.Rollout ? _suspectRollouts : _suspectScores).Count > 0;

    /// <summary>Whether a suspect waits that a worker at a version may take.</summary>
    public bool HasSuspect(WorkerRole role, PolicyVersion worker, PolicyVersion standing) =>
        role == WorkerRole.Rollout ? HasRollout(_suspectRollouts, worker, standing) : HasScore(_suspectScores, worker);

    private bool IsSuspect(LedgerSlot slot) => slot.FailedAttempts >= options.SuspectAfter;

    private bool HasRollout(SortedSet<LedgerSlot> waiting, PolicyVersion worker, PolicyVersion standing) =>
        waiting.Min is { } first && Admission.WillBeFresh(options, worker, standing, first.Slot.Group);

    private static bool HasScore(SortedSet<LedgerSlot> waiting, PolicyVersion scorer) => waiting.Min is { } first && LeastScorer(first).Value <= scorer.Value;

    private static PolicyVersion LeastScorer(LedgerSlot slot) => slot.Trajectory!.Turns[^1].Version;

    private static LedgerSlot TakeFirst(SortedSet<LedgerSlot> waiting)
    {
        var first = waiting.Min!;
        waiting.Remove(first);
        return first;
    }
}
