using MessagePack;

namespace Distributed.Protocol;

/// <summary>
/// What to score: every wrapped answer after every boundary of a token sequence.
/// <paramref name="Boundaries"/> are prefix lengths, ascending; scores come back as [boundary][answer].
/// </summary>
[MessagePackObject]
public sealed record ScoreJob(
    [property: Key(0)] Slot Slot,
    [property: Key(1)] int[] Tokens,
    [property: Key(2)] int[] Boundaries,
    [property: Key(3)] WrappedAnswer[] Answers);

/// <summary>A golden answer inside its wrapping; only tokens [<paramref name="SpanStart"/>, +<paramref name="SpanLength"/>) are the answer's own.</summary>
[MessagePackObject]
public sealed record WrappedAnswer(
    [property: Key(0)] int[] Tokens,
    [property: Key(1)] int SpanStart,
    [property: Key(2)] int SpanLength);

/// <summary>Coordinator to scorer.</summary>
[MessagePackObject]
public sealed record ScoreLeaseGranted(
    [property: Key(0)] LearnerEpoch Epoch,
    [property: Key(1)] LeaseId Lease,
    [property: Key(2)] ScoreJob Job,
    [property: Key(3)] int Attempt,
    [property: Key(4)] int TimeoutMs) : IEpochMessage;

/// <summary>Scorer to coordinator. Repeated until <see cref="LeaseSettled"/> comes. The slot is named so that the answer of an expired lease is still of use.</summary>
[MessagePackObject]
public sealed record ScoreCompleted(
    [property: Key(0)] LeaseId Lease,
    [property: Key(1)] LearnerEpoch Epoch,
    [property: Key(2)] NodeId Worker,
    [property: Key(3)] Slot Slot,
    [property: Key(4)] TurnScores Scores) : IWireMessage;
