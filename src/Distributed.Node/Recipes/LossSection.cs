namespace Distributed.Node.Recipes;

/// <summary>How advantages become a gradient; the names are verl's.</summary>
public sealed record LossSection : IOptionSection
{
    /// <summary>Clip the ratio to the sampling policy per token (<c>ppo_clip</c>) or one ratio per turn (<c>turn</c>, A2TGPO).</summary>
    [OneOf("ppo_clip", "turn"), DefaultIs("`turn` for a2tgpo, else `ppo_clip`")]
    public string? PolicyLoss { get; init; }

    /// <summary>The ratio counts down to 1 minus this.</summary>
    [Range(0, 1), DefaultIs("`0.2`; `0.003` for `turn`")]
    public double? ClipRatioLow { get; init; }

    /// <summary>The ratio counts up to 1 plus this.</summary>
    [Range(0, 1000), DefaultIs("`0.2`; `0.004` for `turn`")]
    public double? ClipRatioHigh { get; init; }

    /// <summary>Dual clip: the loss of a negative advantage counts up to this ratio.</summary>
    [Range(1, 1000, AboveMin = true), DefaultIs("`3` for `ppo_clip`")]
    public double? ClipRatioC { get; init; }

    /// <summary>How tokens are averaged into one number.</summary>
    [OneOf("token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"), DefaultIs("`seq-mean-token-mean` for a2tgpo as in the paper, else `token-mean`")]
    public string? LossAggMode { get; init; }

    /// <summary>The constant divisor of <c>seq-mean-token-sum-norm</c>.</summary>
    [Range(0, 1e9, AboveMin = true)]
    public double? LossScaleFactor { get; init; }
}
