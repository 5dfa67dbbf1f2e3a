using MessagePack;

namespace Distributed.Protocol;

/// <summary>
/// What to roll out. The seed depends on the run, the slot and nothing else: a re-issued job samples the same tokens from the same weights.
/// Slots of held-out problems have a negative group, so that no answer can be taken for a training rollout's.
/// </summary>
[MessagePackObject]
public sealed record RolloutJob(
    [property: Key(0)] Slot Slot,
    [property: Key(1)] bool HeldOut,
    [property: Key(2)] long ProblemIndex,
    [property: Key(3)] ulong Seed,
    [property: Key(4)] bool Greedy);

/// <summary>Coordinator to rollout worker: run this episode within <paramref name="TimeoutMs"/> milliseconds.</summary>
[MessagePackObject]
public sealed record RolloutLeaseGranted(
    [property: Key(0)] LearnerEpoch Epoch,
    [property: Key(1)] LeaseId Lease,
    [property: Key(2)] RolloutJob Job,
    [property: Key(3)] int Attempt,
    [property: Key(4)] int TimeoutMs) : IEpochMessage;

/// <summary>Rollout worker to coordinator: the episode of a lease. Repeated until <see cref="LeaseSettled"/> comes.</summary>
[MessagePackObject]
public sealed record RolloutCompleted(
    [property: Key(0)] LeaseId Lease,
    [property: Key(1)] LearnerEpoch Epoch,
    [property: Key(2)] NodeId Worker,
    [property: Key(3)] Trajectory Trajectory) : IWireMessage;
