namespace Distributed.Actors.Weights;

/// <summary>How versions spread over the nodes.</summary>
public sealed record WeightSpreadOptions
{
    /// <summary>All nodes are in the learner's process: nothing to save, nobody to wait for.</summary>
    public static WeightSpreadOptions InProcess { get; } = new() { PullsFromLearner = int.MaxValue };

    /// <summary>Bytes of one range: what a break costs at most, times the ranges in flight.</summary>
    public int RangeBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>
    /// Nodes that pull from the learner at once, and in all for one version as long as others serve it. Two, so that a slow first one does not hold up the rest.
    /// </summary>
    public int PullsFromLearner { get; init; } = 2;

    /// <summary>Nodes that pull from one peer at once.</summary>
    public int PullsFromPeer { get; init; } = 2;

    /// <summary>A node that was sent to a source and not heard of for so long no longer counts there.</summary>
    public TimeSpan PullLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Offer each version also as what changed since the one before. Saves bytes and costs the learner's node the packing; worth it where the network is slower than that.
    /// </summary>
    public bool Deltas { get; init; }
}
