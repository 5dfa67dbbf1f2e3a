using MessagePack;

namespace Distributed.Protocol;

/// <summary>Name of a node; unique in a run.</summary>
[MessagePackObject]
public readonly record struct NodeId([property: Key(0)] string Value) : IComparable<NodeId>
{
    /// <inheritdoc/>
    public int CompareTo(NodeId other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Which life of a worker: higher after every restart, so that nobody mistakes it for its dead self.</summary>
[MessagePackObject]
public readonly record struct Incarnation([property: Key(0)] long Value) : IComparable<Incarnation>
{
    /// <inheritdoc/>
    public int CompareTo(Incarnation other) => Value.CompareTo(other.Value);
}

/// <summary>Which life of the learner: a message of an older epoch is ignored everywhere.</summary>
[MessagePackObject]
public readonly record struct LearnerEpoch([property: Key(0)] long Value) : IComparable<LearnerEpoch>
{
    /// <inheritdoc/>
    public int CompareTo(LearnerEpoch other) => Value.CompareTo(other.Value);
}

/// <summary>Version of the policy: learner steps since the run began. Only goes up within an epoch.</summary>
[MessagePackObject]
public readonly record struct PolicyVersion([property: Key(0)] long Value) : IComparable<PolicyVersion>
{
    /// <inheritdoc/>
    public int CompareTo(PolicyVersion other) => Value.CompareTo(other.Value);
}

/// <summary>A lease: permission and duty of one worker to do one job until a deadline. Unique within an epoch.</summary>
[MessagePackObject]
public readonly record struct LeaseId([property: Key(0)] long Value);

/// <summary>One rollout to be made: the <paramref name="Sample"/>-th of the group that stands at <paramref name="Group"/> in training order.</summary>
[MessagePackObject]
public readonly record struct Slot([property: Key(0)] long Group, [property: Key(1)] int Sample) : IComparable<Slot>
{
    /// <inheritdoc/>
    public int CompareTo(Slot other) => Group != other.Group ? Group.CompareTo(other.Group) : Sample.CompareTo(other.Sample);

    /// <inheritdoc/>
    public override string ToString() => $"{Group}/{Sample}";
}
