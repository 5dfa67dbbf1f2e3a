namespace Distributed.Node.Recipes;

/// <summary>A change of the rewards before the estimator sees them; docs/algorithms.md has the equations.</summary>
[Shorthand("name")]
public sealed record ShaperSection : IOptionSection
{
    /// <summary>Which one.</summary>
    [OneOf("gated", "min-form", "length", "grpo-lambda", "rank-incentive", "tool-format", "par", "code-similarity")]
    public string Name { get; init; } = "";

    /// <summary>Least outcome with which gains count.</summary>
    [Range(-1e6, 1e6), DefaultIs("`1`"), AppliesTo("gated")]
    public double? Threshold { get; init; }

    /// <summary>Softness of the minimum over gains; or what divides the outcome's distance from the reference.</summary>
    [Range(0, 1e6, AboveMin = true), DefaultIs("`0.1` for min-form, `1` for par"), AppliesTo("min-form", "par")]
    public double? Temperature { get; init; }

    /// <summary>What the outcome is compared with.</summary>
    [Range(-1e6, 1e6), DefaultIs("the group's mean outcome"), AppliesTo("par")]
    public double? Reference { get; init; }

    /// <summary>The bonus of a short right rollout; most a long right one loses; most a failed one gets for code like the right ones'.</summary>
    [Range(0, 1e6), DefaultIs("`0.5` for length and code-similarity, `0.2` for grpo-lambda"), AppliesTo("length", "grpo-lambda", "code-similarity")]
    public double? Alpha { get; init; }

    /// <summary>Least share of right rollouts with which length is charged.</summary>
    [Range(0, 1), DefaultIs("`0.75`"), AppliesTo("grpo-lambda")]
    public double? Lambda { get; init; }

    /// <summary>Most sampled tokens of a rollout that gets the bonus.</summary>
    [Range(0, 100_000_000), DefaultIs("`1024`"), AppliesTo("length")]
    public int? TargetTokens { get; init; }

    /// <summary>The same for prompts that most rollouts get right.</summary>
    [Range(0, 100_000_000), DefaultIs("as the others"), AppliesTo("length")]
    public int? EasyTargetTokens { get; init; }

    /// <summary>The same for prompts that few rollouts get right.</summary>
    [Range(0, 100_000_000), DefaultIs("as the others"), AppliesTo("length")]
    public int? HardTargetTokens { get; init; }

    /// <summary>Share of right rollouts from which a prompt is easy.</summary>
    [Range(0, 1), DefaultIs("2/3"), AppliesTo("length")]
    public double? EasyAt { get; init; }

    /// <summary>Share of right rollouts below which a prompt is hard.</summary>
    [Range(0, 1), DefaultIs("1/3"), AppliesTo("length")]
    public double? HardBelow { get; init; }

    /// <summary>A rollout is right if its outcome is at least this.</summary>
    [Range(-1e6, 1e6), DefaultIs("`1`"), AppliesTo("length", "grpo-lambda", "code-similarity")]
    public double? CorrectAt { get; init; }

    /// <summary>Count a negative likeness of code as 0.</summary>
    [DefaultIs("`false`"), AppliesTo("code-similarity")]
    public bool? ClampNegativeSimilarity { get; init; }

    /// <summary>Multiplies the reward.</summary>
    [Range(0, 1e6), DefaultIs("`1`"), AppliesTo("rank-incentive", "tool-format")]
    public double? Weight { get; init; }

    /// <summary>Where the reward goes: into each tool turn's gain, or into the outcome.</summary>
    [OneOf("turns", "outcome"), DefaultIs("`turns`"), AppliesTo("rank-incentive", "tool-format")]
    public string? Into { get; init; }

    /// <summary>Ranks 1 to this are worth 2 down to 1.</summary>
    [Range(1, 1_000_000), DefaultIs("`10`"), AppliesTo("rank-incentive")]
    public int? Top { get; init; }

    /// <summary>Ranks beyond that, up to this, are worth 1 down to 0.</summary>
    [Range(1, 1_000_000), DefaultIs("`100`"), AppliesTo("rank-incentive")]
    public int? Depth { get; init; }
}
