namespace Distributed.Node.Recipes;

/// <summary>What the run folder keeps for people.</summary>
public sealed record ReportSection : IOptionSection
{
    /// <summary>Groups of a step whose trajectories are written to trajectories.jsonl.</summary>
    [Range(0, 1024)]
    public int GroupsPerStep { get; init; } = 1;
}
