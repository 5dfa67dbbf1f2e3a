namespace Distributed.Node.Recipes;

/// <summary>How the rewards of a group become advantages; docs/algorithms.md has the equations.</summary>
[Shorthand("name")]
public sealed record AlgorithmSection : IOptionSection
{
    /// <summary>The estimator: <c>grpo</c> compares outcomes only, <c>a2tgpo</c> (2605.06200) adds each turn's information gain.</summary>
    [OneOf("grpo", "a2tgpo")]
    public string Name { get; init; } = "a2tgpo";

    /// <summary>Weight of the information gain beside the outcome.</summary>
    [Range(0, 1000), DefaultIs("`1`; `0.3` for `variant: released`"), AppliesTo("a2tgpo")]
    public double? Alpha { get; init; }

    /// <summary>Discount of later turns' gains.</summary>
    [Range(0, 1), DefaultIs("`1`"), AppliesTo("a2tgpo")]
    public double? Gamma { get; init; }

    /// <summary>How far a turn's gain widens or narrows its clipping range.</summary>
    [Range(0, 1, BelowMax = true), DefaultIs("`0.3`"), AppliesTo("a2tgpo")]
    public double? Beta { get; init; }

    /// <summary>Smallest standard deviation gains are divided by. 0 is the paper's formula; above it, gains that are only noise stay small.</summary>
    [Range(0, 1000), DefaultIs("`0`"), AppliesTo("a2tgpo")]
    public double? IgStdFloor { get; init; }

    /// <summary>The formulas of the paper, or what its released code does.</summary>
    [OneOf("paper", "released"), DefaultIs("`paper`"), AppliesTo("a2tgpo")]
    public string? Variant { get; init; }

    /// <summary>Compare gains with those of the same turn of the group; off: with all of the group.</summary>
    [DefaultIs("`true`"), AppliesTo("a2tgpo")]
    public bool? TurnGroupNorm { get; init; }

    /// <summary>Divide summed gains by the root of their number.</summary>
    [DefaultIs("`true`"), AppliesTo("a2tgpo")]
    public bool? SqrtNScaling { get; init; }

    /// <summary>Let a turn's gain widen or narrow its clipping range.</summary>
    [DefaultIs("`true`; `false` with `policy_loss: ppo_clip`"), AppliesTo("a2tgpo")]
    public bool? AdaptiveClip { get; init; }

    /// <summary>Divide by the group's standard deviation; off is Dr. GRPO.</summary>
    [DefaultIs("`true`"), AppliesTo("grpo")]
    public bool? NormAdvByStdInGrpo { get; init; }
}
