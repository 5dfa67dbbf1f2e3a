using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// The slots of the ledger that wait for a worker, in training order. Suspects, slots that were tried in vain
/// <see cref="CoordinatorOptions.SuspectAfter"/> times, stand apart: what brings them down may bring down what is done beside them.
/// </summary>
public sealed class Backlog(CoordinatorOptions options)
{
    private readonly SortedDictionary<Slot, LedgerSlot> _rollouts = [];
    private readonly SortedDictionary<Slot, LedgerSlot> _scores = [];
    private readonly SortedDictionary<Slot, LedgerSlot> _suspectRollouts = [];
    private readonly SortedDictionary<Slot, LedgerSlot> _suspectScores = [];

    /// <summary>Rollouts that wait.</summary>
    public int RolloutCount => _rollouts.Count + _suspectRollouts.Count;

    /// <summary>Scores that wait.</summary>
    public int ScoreCount => _scores.Count + _suspectScores.Count;

    /// <summary>A slot waits to be rolled out.</summary>
    public void ToRollOut(LedgerSlot slot) => (IsSuspect(slot) ? _suspectRollouts : _rollouts).Add(slot.Slot, slot);

    /// <summary>A slot waits to be scored.</summary>
    public void ToScore(LedgerSlot slot) => (IsSuspect(slot) ? _suspectScores : _scores).Add(slot.Slot, slot);

    /// <summary>A slot waits no longer, if it did.</summary>
    public void Remove(Slot slot)
    {
        foreach (var waiting in new[] { _rollouts, _scores, _suspectRollouts, _suspectScores }) waiting.Remove(slot);
    }

    /// <summary>Takes the first rollout that a worker at a version may make; null if there is none. If not the first, then none of the later ones.</summary>
    public LedgerSlot? TakeRollout(PolicyVersion worker, PolicyVersion standing, bool suspect)
    {
        var waiting = suspect ? _suspectRollouts : _rollouts;
        if (!HasRollout(waiting, worker, standing)) return null;
        var (slot, first) = waiting.First();
        waiting.Remove(slot);
        return first;
    }

    /// <summary>Takes the first trajectory that a scorer at a version may score: never with weights older than those that sampled it.</summary>
    public LedgerSlot? TakeScore(PolicyVersion scorer, bool suspect)
    {
        var waiting = suspect ? _suspectScores : _scores;
        foreach (var (slot, entry) in waiting)
        {
            if (!MayScore(entry, scorer)) continue;
            waiting.Remove(slot);
            return entry;
        }

        return null;
    }

    /// <summary>Whether a suspect waits that a worker at a version may take.</summary>
    public bool HasSuspect(WorkerRole role, PolicyVersion worker, PolicyVersion standing) => role == WorkerRole.Rollout
        ? HasRollout(_suspectRollouts, worker, standing)
        : _suspectScores.Values.Any(entry => MayScore(entry, worker));

    private bool IsSuspect(LedgerSlot slot) => slot.FailedAttempts >= options.SuspectAfter;

    private bool HasRollout(SortedDictionary<Slot, LedgerSlot> waiting, PolicyVersion worker, PolicyVersion standing) =>
        waiting.Count > 0 && Admission.WillBeFresh(options, worker, standing, waiting.First().Key.Group);

    private static bool MayScore(LedgerSlot entry, PolicyVersion scorer) => entry.Trajectory!.Turns[^1].Version.Value <= scorer.Value;
}
