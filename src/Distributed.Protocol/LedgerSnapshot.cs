using MessagePack;

namespace Distributed.Protocol;

/// <summary>
/// The ledger as a checkpoint keeps it. Slots that were planned or leased come back as planned; what was generated or scored is kept
/// with its trajectory, so that nothing is skipped and nothing is trained twice.
/// </summary>
[MessagePackObject]
public sealed record LedgerSnapshot(
    [property: Key(0)] PolicyVersion Version,
    [property: Key(1)] long NextGroup,
    [property: Key(2)] LedgerTotals Totals,
    [property: Key(3)] GroupSnapshot[] Groups);

/// <summary>Slots counted since the run began. Always Planned = Open + Trained + the sum of Dropped.</summary>
[MessagePackObject]
public sealed record LedgerTotals(
    [property: Key(0)] long Planned,
    [property: Key(1)] long Trained,
    [property: Key(2)] SortedDictionary<string, long> Dropped);

/// <summary>A group that has not been trained yet.</summary>
[MessagePackObject]
public sealed record GroupSnapshot(
    [property: Key(0)] long Group,
    [property: Key(1)] SlotSnapshot[] Slots);

/// <summary>One slot of an open group; <paramref name="DropReason"/> is set for a slot that was given up.</summary>
[MessagePackObject]
public sealed record SlotSnapshot(
    [property: Key(0)] int Attempt,
    [property: Key(1)] Trajectory? Trajectory,
    [property: Key(2)] TurnScores? Scores,
    [property: Key(3)] string? DropReason);
