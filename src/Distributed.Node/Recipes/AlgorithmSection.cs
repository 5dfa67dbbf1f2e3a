namespace Distributed.Node.Recipes;

/// <summary>How the rewards of a group become advantages; docs/algorithms.md has the equations and says where each comes from.</summary>
[Shorthand("name")]
public sealed record AlgorithmSection : IOptionSection
{
    /// <summary>The estimator. <c>grpo</c>, <c>rloo</c>, <c>reinforce++</c>, <c>reinforce++-baseline</c> compare outcomes; <c>gigpo</c> also turns that read the same; <c>gtpo</c> has rewards of turns; <c>igpo</c>, <c>a2tgpo</c> and the unbiased <c>turn-peer</c> add each turn's information gain; <c>istar</c> the reward of a second model that learns from outcomes.</summary>
    [OneOf("grpo", "rloo", "reinforce++", "reinforce++-baseline", "gigpo", "gtpo", "igpo", "a2tgpo", "turn-peer", "istar")]
    public string Name { get; init; } = "a2tgpo";

    /// <summary>Changes of the rewards before the estimator sees them, in this order.</summary>
    public IReadOnlyList<ShaperSection> Shapers { get; init; } = [];

    /// <summary>A learned split of the outcome over the turns in place of their information gain (SPA-RL 2505.20732); <c>progress: {hidden_units: 32}</c> turns it on.</summary>
    public ProgressSection? Progress { get; init; }

    /// <summary>The reward model of <c>istar</c>, which has one in any case; <c>process_reward: {beta: 0.1}</c> changes its options.</summary>
    public ProcessRewardSection? ProcessReward { get; init; }

    /// <summary>Weight of the information gain, or with istar of the turn's learned reward, beside the outcome; with gtpo the most a failed rollout gets for code like the right ones'.</summary>
    [Range(-1000, 1000), DefaultIs("`1`; `0.3` for a2tgpo's `variant: released`; `0.5` for gtpo"), AppliesTo("a2tgpo", "gtpo", "turn-peer", "istar")]
    public double? Alpha { get; init; }

    /// <summary>Discount of later turns.</summary>
    [Range(0, 1), DefaultIs("`1`; `0.95` for gigpo; `0.9` for gtpo"), AppliesTo("gigpo", "gtpo", "igpo", "a2tgpo", "turn-peer")]
    public double? Gamma { get; init; }

    /// <summary>How far a turn's gain widens or narrows its clipping range.</summary>
    [Range(0, 1, BelowMax = true), DefaultIs("`0.3`"), AppliesTo("a2tgpo")]
    public double? Beta { get; init; }

    /// <summary>Smallest standard deviation gains are divided by. 0 is the paper's formula; above it, gains that are only noise stay small.</summary>
    [Range(0, 1000), DefaultIs("`0`"), AppliesTo("igpo", "a2tgpo")]
    public double? IgStdFloor { get; init; }

    /// <summary>The formulas of the paper, or what its released code does.</summary>
    [OneOf("paper", "released"), DefaultIs("`paper`"), AppliesTo("igpo", "a2tgpo")]
    public string? Variant { get; init; }

    /// <summary>Among which rewards is normalised: with igpo gains and outcomes together or apart; with gtpo all turns together or turns of the same number.</summary>
    [OneOf("joint", "separate", "per_turn_index"), DefaultIs("`joint`"), AppliesTo("igpo", "gtpo")]
    public string? Norm { get; init; }

    /// <summary>Divide by the standard deviation; off only centres.</summary>
    [DefaultIs("`true`"), AppliesTo("gigpo", "gtpo", "igpo", "a2tgpo", "istar")]
    public bool? DivideByStd { get; init; }

    /// <summary>Divide by the group's standard deviation; off is Dr. GRPO.</summary>
    [DefaultIs("`true`"), AppliesTo("grpo")]
    public bool? NormAdvByStdInGrpo { get; init; }

    /// <summary>Compare gains with those of the same turn of the group; off: with all of the group.</summary>
    [DefaultIs("`true`"), AppliesTo("a2tgpo")]
    public bool? TurnGroupNorm { get; init; }

    /// <summary>Divide summed gains by the root of their number.</summary>
    [DefaultIs("`true`"), AppliesTo("a2tgpo")]
    public bool? SqrtScaling { get; init; }

    /// <summary>Let a turn's gain widen or narrow its clipping range.</summary>
    [DefaultIs("`true` with `policy_loss: turn`, else `false`"), AppliesTo("a2tgpo")]
    public bool? AdaptiveClip { get; init; }

    /// <summary>Multiplies the gains before they are normalised.</summary>
    [Range(0, 1000), DefaultIs("`1`"), AppliesTo("igpo")]
    public double? IgWeight { get; init; }

    /// <summary>Multiplies the outcomes before they are normalised.</summary>
    [Range(0, 1000), DefaultIs("`1`"), AppliesTo("igpo")]
    public double? OutcomeWeight { get; init; }

    /// <summary>Weight of the comparison of turns that began from the same observation.</summary>
    [Range(0, 1000), DefaultIs("`1`"), AppliesTo("gigpo")]
    public double? StepAdvantageW { get; init; }

    /// <summary>Compare rollouts over all turns of the prompt, so that long ones count more, as the released code does; off: over rollouts.</summary>
    [DefaultIs("`true`"), AppliesTo("gigpo")]
    public bool? ComputeMeanStdCrossSteps { get; init; }

    /// <summary>Take a tool turn's information gain as its reward; off: tool turns have none.</summary>
    [DefaultIs("`false`"), AppliesTo("gigpo")]
    public bool? UseGains { get; init; }

    /// <summary>Reward of a turn that breaks the format, and of a first turn that calls no tool.</summary>
    [Range(-100, 100), DefaultIs("`-0.1`"), AppliesTo("gtpo")]
    public double? FormatReward { get; init; }

    /// <summary>A rollout is right if its outcome is at least this.</summary>
    [Range(-1e6, 1e6), DefaultIs("`1`"), AppliesTo("gtpo")]
    public double? CorrectAt { get; init; }

    /// <summary>Count a negative likeness of code as 0.</summary>
    [DefaultIs("`false`"), AppliesTo("gtpo")]
    public bool? ClampNegativeSimilarity { get; init; }

    /// <summary>With whom a turn is compared: the other rollouts that reached it, or all others, where a turn they have not got counts 0.</summary>
    [OneOf("reached_turn", "all_rollouts"), DefaultIs("`reached_turn`"), AppliesTo("turn-peer")]
    public string? Peers { get; init; }

    /// <summary>How advantages are scaled: not at all, by the batch's root mean square, or by the peers' deviation.</summary>
    [OneOf("none", "batch", "peers"), DefaultIs("`none`"), AppliesTo("turn-peer")]
    public string? Scale { get; init; }

    /// <summary>Least number advantages are divided by.</summary>
    [Range(0, 1000, AboveMin = true), DefaultIs("`0.05`"), AppliesTo("turn-peer")]
    public double? ScaleFloor { get; init; }

    /// <summary>Added to standard deviations.</summary>
    [Range(0, 1), DefaultIs("`1e-6`"), AppliesTo("grpo", "gigpo")]
    public double? Epsilon { get; init; }

    /// <summary>Added to the batch's variance.</summary>
    [Range(0, 1), DefaultIs("`1e-8`"), AppliesTo("reinforce++", "reinforce++-baseline")]
    public double? WhitenEpsilon { get; init; }

    /// <summary>Give the outcome to the last turn only, as verl does, whose running return begins anew after every tool reply.</summary>
    [DefaultIs("`false`"), AppliesTo("reinforce++")]
    public bool? ResetAtObservations { get; init; }

    /// <summary>What a group gets of which one rollout is left: nothing, or its reward as it is.</summary>
    [OneOf("zero", "raw"), DefaultIs("`zero`"), AppliesTo("grpo", "rloo", "reinforce++-baseline", "gigpo")]
    public string? SingletonGroup { get; init; }
}
