namespace Distributed.Node.Recipes;

/// <summary>How episodes are played.</summary>
public sealed record RolloutSection : IOptionSection
{
    /// <summary>Divides the logits before sampling; 0 always takes the likeliest token.</summary>
    [Range(0, 100)]
    public double Temperature { get; init; } = 1;

    /// <summary>Sample among the k likeliest tokens; 0 among all.</summary>
    [Range(0, 1_000_000)]
    public int TopK { get; init; }

    /// <summary>Sample among the likeliest tokens that hold this share of the probability; 1 among all.</summary>
    [Range(0, 1, AboveMin = true)]
    public double TopP { get; init; } = 1;

    /// <summary>Sample among tokens at least this times as likely as the likeliest; 0 among all.</summary>
    [Range(0, 1)]
    public double MinP { get; init; }

    /// <summary>Let new weights take effect between two tokens of a turn, not only between turns. Every token keeps the version that sampled it, and what came before is read anew.</summary>
    public bool PartialRollout { get; init; }

    /// <summary>Most turns of an episode, the final answer's included.</summary>
    [Range(1, 1000), DefaultIs("the environment's")]
    public int? MaxTurns { get; init; }

    /// <summary>Most tokens of one turn.</summary>
    [Range(1, 1_000_000), DefaultIs("the environment's")]
    public int? MaxTurnTokens { get; init; }

    /// <summary>Longest a tool may take, seconds; afterwards the agent reads that it took too long.</summary>
    [Range(0, 3600, AboveMin = true), DefaultIs("the environment's")]
    public double? ToolTimeLimitS { get; init; }

    /// <summary>A rollout or score that is not back after this is given to another worker, seconds.</summary>
    [Range(1, 86_400)]
    public double LeaseTimeoutS { get; init; } = 30;
}
