using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>The slots of the ledger that wait for a worker, in training order.</summary>
public sealed class Backlog(CoordinatorOptions options)
{
    private readonly SortedDictionary<Slot, LedgerSlot> _rollouts = [];
    private readonly SortedDictionary<Slot, LedgerSlot> _scores = [];

    /// <summary>Rollouts that wait.</summary>
    public int RolloutCount => _rollouts.Count;

    /// <summary>Scores that wait.</summary>
    public int ScoreCount => _scores.Count;

    /// <summary>A slot waits to be rolled out.</summary>
    public void ToRollOut(LedgerSlot slot) => _rollouts.Add(slot.Slot, slot);

    /// <summary>A slot waits to be scored.</summary>
    public void ToScore(LedgerSlot slot) => _scores.Add(slot.Slot, slot);

    /// <summary>A slot waits no longer, if it did.</summary>
    public void Remove(Slot slot)
    {
        _rollouts.Remove(slot);
        _scores.Remove(slot);
    }

    /// <summary>Takes the first rollout that a worker at a version may make; null if there is none. If not the first, then none of the later ones.</summary>
    public LedgerSlot? TakeRollout(PolicyVersion worker, PolicyVersion standing)
    {
        if (_rollouts.Count == 0) return null;
        var (slot, first) = _rollouts.First();
        if (!Admission.WillBeFresh(options, worker, standing, slot.Group)) return null;
        _rollouts.Remove(slot);
        return first;
    }

    /// <summary>Takes the first trajectory that a scorer at a version may score: never with weights older than those that sampled it.</summary>
    public LedgerSlot? TakeScore(PolicyVersion scorer)
    {
        foreach (var (slot, entry) in _scores)
        {
            if (entry.Trajectory!.Turns[^1].Version.Value > scorer.Value) continue;
            _scores.Remove(slot);
            return entry;
        }

        return null;
    }
}
