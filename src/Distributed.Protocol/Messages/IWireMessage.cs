using MessagePack;

namespace Distributed.Protocol;

/// <summary>A message that may cross from one node to another: a MessagePack record with a manifest (see <see cref="WireCodec"/>).</summary>
public interface IWireMessage;

/// <summary>A message that only the learner of one epoch may send; others ignore it if they know a later epoch.</summary>
public interface IEpochMessage : IWireMessage
{
    /// <summary>The sender's epoch.</summary>
    LearnerEpoch Epoch { get; }
}

/// <summary>What a worker does.</summary>
public enum WorkerRole
{
    /// <summary>Runs episodes.</summary>
    Rollout = 0,

    /// <summary>Scores trajectories.</summary>
    Scorer = 1,
}

/// <summary>
/// A worker offers itself: sent when it starts, when it has applied new weights and every few seconds (so a lost one heals).
/// <paramref name="Capacity"/> is the number of leases it can hold at once.
/// </summary>
[MessagePackObject]
public sealed record WorkerReady(
    [property: Key(0)] NodeId Worker,
    [property: Key(1)] WorkerRole Role,
    [property: Key(2)] Incarnation Incarnation,
    [property: Key(3)] int Capacity,
    [property: Key(4)] LearnerEpoch Epoch,
    [property: Key(5)] PolicyVersion Version) : IWireMessage;

/// <summary>
/// A worker could not do a lease's job. <paramref name="Declined"/> if it never began (it is full, or its weights are of another epoch): then no
/// attempt was made, and the worker wants no further lease before it offers itself again.
/// </summary>
[MessagePackObject]
public sealed record LeaseFailed(
    [property: Key(0)] LeaseId Lease,
    [property: Key(1)] LearnerEpoch Epoch,
    [property: Key(2)] NodeId Worker,
    [property: Key(3)] string Reason,
    [property: Key(4)] bool Declined) : IWireMessage;

/// <summary>The coordinator has taken a lease's end for good (or never wants to hear of it again): the worker forgets it. The epoch is the lease's own.</summary>
[MessagePackObject]
public sealed record LeaseSettled(
    [property: Key(0)] LearnerEpoch Epoch,
    [property: Key(1)] LeaseId Lease) : IEpochMessage;
