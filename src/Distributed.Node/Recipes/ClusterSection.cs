namespace Distributed.Node.Recipes;

/// <summary>Which nodes there are, and how many threads each uses. A run's result does not depend on the number of rollout and scorer nodes.</summary>
public sealed record ClusterSection : IOptionSection
{
    /// <summary>How nodes reach each other: <c>local</c> is one process; with <c>http</c> and <c>akka</c> each is one of its own (`train --nodes`, `node`).</summary>
    [OneOf("local", "http", "akka")]
    public string Fabric { get; init; } = "local";

    /// <summary>Offer each version of the weights also as what changed since the one before: fewer bytes, more work for the learner's processor.</summary>
    public bool WeightDeltas { get; init; }

    /// <summary>Nodes that play episodes.</summary>
    [Range(1, 4096)]
    public int RolloutNodes { get; init; } = 1;

    /// <summary>Episodes a rollout node plays at once.</summary>
    [Range(1, 65_536), DefaultIs("its share of a step's batch")]
    public int? EpisodesPerNode { get; init; }

    /// <summary>Nodes that compute information gain.</summary>
    [Range(1, 4096)]
    public int ScorerNodes { get; init; } = 1;

    /// <summary>Engine threads of one rollout node.</summary>
    [Range(1, 1024), DefaultIs("the machine's cores, shared fairly")]
    public int? RolloutThreads { get; init; }

    /// <summary>Engine threads of one scorer node.</summary>
    [Range(1, 1024), DefaultIs("the machine's cores, shared fairly")]
    public int? ScorerThreads { get; init; }

    /// <summary>Engine threads of the learner. The weights depend on this number to the last bit, so a resumed run keeps it.</summary>
    [Range(1, 1024), DefaultIs("the machine's cores")]
    public int? LearnerThreads { get; init; }
}
