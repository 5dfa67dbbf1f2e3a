namespace Distributed.Node.Recipes;

/// <summary>What is kept to resume from.</summary>
public sealed record CheckpointSection : IOptionSection
{
    /// <summary>Steps between checkpoints; the last step always has one.</summary>
    [Range(1, 1_000_000)]
    public int EverySteps { get; init; } = 25;

    /// <summary>How many checkpoints stay; older ones are deleted once a newer one stands.</summary>
    [Range(1, 10_000)]
    public int Keep { get; init; } = 3;
}
