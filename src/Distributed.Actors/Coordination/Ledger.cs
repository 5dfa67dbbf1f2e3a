using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>State of a rollout slot.</summary>
public enum SlotState
{
    /// <summary>To be rolled out.</summary>
    Planned,

    /// <summary>A worker rolls it out.</summary>
    Leased,

    /// <summary>Rolled out, not scored yet.</summary>
    Generated,

    /// <summary>Ready to be trained on.</summary>
    Scored,

    /// <summary>In the learner's hands.</summary>
    Training,

    /// <summary>Given up, with a reason.</summary>
    Dropped,
}

/// <summary>One rollout slot of an open group.</summary>
public sealed class LedgerSlot(Slot slot)
{
    /// <summary>Its name.</summary>
    public Slot Slot { get; } = slot;

    /// <summary>Where it stands.</summary>
    public SlotState State { get; internal set; }

    /// <summary>How often it has been leased out (rollout or scoring) in vain.</summary>
    public int FailedAttempts { get; internal set; }

    /// <summary>The episode, from <see cref="SlotState.Generated"/> on.</summary>
    public Trajectory? Trajectory { get; internal set; }

    /// <summary>Its scores; null in <see cref="SlotState.Scored"/> if there was nothing to score.</summary>
    public TurnScores? Scores { get; internal set; }

    /// <summary>Why it was dropped.</summary>
    public string? DropReason { get; internal set; }
}

/// <summary>
/// What became of every rollout slot: one state each, Planned -> Leased -> Generated -> Scored -> Training -> trained | Dropped(reason).
/// </summary>
/// <remarks>
/// Invariants, checked at every transition: a slot is trained at most once; planned = open + trained + dropped; a step that is not in the
/// picture above throws <see cref="LedgerException"/> (a programming error, never a peer's message). Trained groups leave the memory; only
/// counters remain, so the ledger's size is bounded by the admission bound.
/// </remarks>
public sealed class Ledger
{
    private readonly SortedDictionary<long, LedgerSlot[]> _groups = [];
    private readonly SortedDictionary<string, long> _dropped = new(StringComparer.Ordinal);
    private readonly SortedSet<long> _ended = [];
    private long _planned;
    private long _trained;

    /// <summary>The next group to be planned; all before it have been.</summary>
    public long NextGroup { get; private set; }

    /// <summary>Groups that have not been taken for training to the end.</summary>
    public IReadOnlyDictionary<long, LedgerSlot[]> Groups => _groups;

    /// <summary>Groups whose every slot is scored or dropped, ascending.</summary>
    public IReadOnlyCollection<long> EndedGroups => _ended;

    /// <summary>Slots that are neither trained nor dropped.</summary>
    public long Open => _groups.Values.Sum(slots => slots.LongCount(slot => slot.State != SlotState.Dropped));

    /// <summary>The counters.</summary>
    public LedgerTotals Totals => new(_planned, _trained, new SortedDictionary<string, long>(_dropped, StringComparer.Ordinal));

    /// <summary>The slot of an open group, or null.</summary>
    public LedgerSlot? Find(Slot slot) =>
        _groups.TryGetValue(slot.Group, out var slots) && slot.Sample >= 0 && slot.Sample < slots.Length ? slots[slot.Sample] : null;

    /// <summary>Opens the next group.</summary>
    public IReadOnlyList<LedgerSlot> Plan(int groupSize)
    {
        var group = NextGroup++;
        var slots = new LedgerSlot[groupSize];
        for (var sample = 0; sample < groupSize; sample++) slots[sample] = new LedgerSlot(new Slot(group, sample));
        _groups.Add(group, slots);
        _planned += groupSize;
        return slots;
    }

    /// <summary>A worker has taken it.</summary>
    public void Lease(LedgerSlot slot) => Move(slot, SlotState.Planned, SlotState.Leased);

    /// <summary>The worker did not deliver: back to planned. Counts as an attempt unless the worker declined the lease.</summary>
    public void Unlease(LedgerSlot slot, bool attempted = true)
    {
        Move(slot, SlotState.Leased, SlotState.Planned);
        if (attempted) slot.FailedAttempts++;
    }

    /// <summary>Scoring was in vain once more; the slot stays generated.</summary>
    public void ScoringFailed(LedgerSlot slot)
    {
        Require(slot, SlotState.Generated);
        slot.FailedAttempts++;
    }

    /// <summary>The episode is here (from whichever attempt: they are the same by construction).</summary>
    public void Generated(LedgerSlot slot, Trajectory trajectory)
    {
        if (slot.State is not (SlotState.Planned or SlotState.Leased)) throw Illegal(slot, SlotState.Generated);
        slot.State = SlotState.Generated;
        slot.Trajectory = trajectory;
        slot.FailedAttempts = 0;
    }

    /// <summary>The scores are here, or there is nothing to score.</summary>
    public void Scored(LedgerSlot slot, TurnScores? scores)
    {
        Move(slot, SlotState.Generated, SlotState.Scored);
        slot.Scores = scores;
        NoteEnded(slot.Slot.Group);
    }

    /// <summary>Gives a slot up.</summary>
    public void Drop(LedgerSlot slot, string reason)
    {
        if (slot.State is SlotState.Dropped) throw Illegal(slot, SlotState.Dropped);
        var taken = slot.State == SlotState.Training; // its group has been taken and must not be offered again
        slot.State = SlotState.Dropped;
        slot.DropReason = reason;
        slot.Trajectory = null;
        slot.Scores = null;
        _dropped[reason] = _dropped.GetValueOrDefault(reason) + 1;
        if (!taken) NoteEnded(slot.Slot.Group);
    }

    /// <summary>Hands an ended group's remaining slots to the learner.</summary>
    public IReadOnlyList<LedgerSlot> Take(long group)
    {
        if (!_ended.Remove(group)) throw new LedgerException($"group {group} is taken although it has not ended");
        var alive = _groups[group].Where(slot => slot.State != SlotState.Dropped).ToArray();
        foreach (var slot in alive) Move(slot, SlotState.Scored, SlotState.Training);
        return alive;
    }

    /// <summary>The learner has trained on the group; the slots named in <paramref name="unused"/> it did not use, for the reason given.</summary>
    public SettledGroup Settle(long group, IReadOnlyDictionary<Slot, string> unused)
    {
        var trained = new List<int>();
        var dropped = new SortedDictionary<string, List<int>>(StringComparer.Ordinal);
        foreach (var slot in _groups[group])
        {
            if (slot.State == SlotState.Dropped)
            {
                Note(slot.DropReason!, slot);
                continue;
            }

            Require(slot, SlotState.Training);
            if (unused.TryGetValue(slot.Slot, out var reason))
            {
                _dropped[reason] = _dropped.GetValueOrDefault(reason) + 1;
                Note(reason, slot);
            }
            else
            {
                _trained++;
                trained.Add(slot.Slot.Sample);
            }
        }

        _groups.Remove(group);
        return new SettledGroup(group, trained, [.. dropped.Select(entry => new DroppedSamples(entry.Key, entry.Value))]);

        void Note(string reason, LedgerSlot slot)
        {
            if (!dropped.TryGetValue(reason, out var samples)) dropped.Add(reason, samples = []);
            samples.Add(slot.Slot.Sample);
        }
    }

    /// <summary>Throws if the books do not balance.</summary>
    public void CheckConservation()
    {
        var dropped = _dropped.Values.Sum();
        if (_planned != _trained + dropped + Open)
            throw new LedgerException($"the ledger does not balance: planned {_planned}, trained {_trained}, dropped {dropped}, open {Open}");
    }

    /// <summary>What a checkpoint at <paramref name="version"/> keeps.</summary>
    public LedgerSnapshot Snapshot(PolicyVersion version) => new(
        version,
        NextGroup,
        Totals,
        [.. _groups.Select(group => new GroupSnapshot(group.Key, [.. group.Value.Select(slot =>
            new SlotSnapshot(slot.FailedAttempts, slot.Trajectory, slot.Scores, slot.DropReason))]))]);

    /// <summary>The ledger a checkpoint holds. Slots that were planned or leased are planned; scored ones without scores are scored again.</summary>
    public static Ledger Restore(LedgerSnapshot snapshot)
    {
        var ledger = new Ledger { NextGroup = snapshot.NextGroup, _planned = snapshot.Totals.Planned, _trained = snapshot.Totals.Trained };
        foreach (var (reason, count) in snapshot.Totals.Dropped) ledger._dropped[reason] = count;
        foreach (var group in snapshot.Groups)
        {
            ledger._groups.Add(group.Group, [.. group.Slots.Select((slot, sample) => new LedgerSlot(new Slot(group.Group, sample))
            {
                FailedAttempts = slot.Attempt,
                Trajectory = slot.Trajectory,
                Scores = slot.Scores,
                DropReason = slot.DropReason,
                State = slot.DropReason != null ? SlotState.Dropped
                    : slot.Scores != null ? SlotState.Scored
                    : slot.Trajectory != null ? SlotState.Generated
                    : SlotState.Planned,
            })]);
            ledger.NoteEnded(group.Group);
        }

        ledger.CheckConservation();
        return ledger;
    }

    private void NoteEnded(long group)
    {
        if (Array.TrueForAll(_groups[group], slot => slot.State is SlotState.Scored or SlotState.Dropped)) _ended.Add(group);
    }

    private static void Move(LedgerSlot slot, SlotState from, SlotState to)
    {
        if (slot.State != from) throw Illegal(slot, to);
        slot.State = to;
    }

    private static void Require(LedgerSlot slot, SlotState state)
    {
        if (slot.State != state) throw Illegal(slot, state);
    }

    private static LedgerException Illegal(LedgerSlot slot, SlotState to) =>
        new($"slot {slot.Slot} cannot go from {slot.State} to {to}");
}

/// <summary>A transition the ledger does not have: a programming error.</summary>
public sealed class LedgerException(string message) : Exception(message);
