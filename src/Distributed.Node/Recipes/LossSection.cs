namespace Distributed.Node.Recipes;

/// <summary>How advantages become a gradient; the names are verl's.</summary>
public sealed record LossSection : IOptionSection
{
    /// <summary>Clip the ratio to the sampling policy per token (<c>ppo_clip</c>), one ratio per turn (<c>turn</c>, A2TGPO) or per rollout (<c>gspo</c>), or weigh tokens with the clipped ratio (<c>cispo</c>); docs/algorithms.md has them all.</summary>
    [OneOf("ppo_clip", "turn", "gspo", "cispo", "sapo", "gmpo", "reinforce", "clip_cov", "kl_cov"), DefaultIs("`turn` for a2tgpo, else `ppo_clip`")]
    public string? PolicyLoss { get; init; }

    /// <summary>The ratio counts down to 1 minus this.</summary>
    [Range(0, 1), DefaultIs("`0.2`; `0.003` for `turn`; `0.0003` for `gspo`; `1` for `cispo`")]
    public double? ClipRatioLow { get; init; }

    /// <summary>The ratio counts up to 1 plus this.</summary>
    [Range(0, 1000), DefaultIs("`0.2`; `0.004` for `turn`; `0.0004` for `gspo`")]
    public double? ClipRatioHigh { get; init; }

    /// <summary>Temperature of the gate where the advantage is positive.</summary>
    [Range(0, 1000, AboveMin = true), DefaultIs("`1`"), AppliesTo("sapo")]
    public double? TauPos { get; init; }

    /// <summary>Temperature of the gate elsewhere.</summary>
    [Range(0, 1000, AboveMin = true), DefaultIs("`1.05`"), AppliesTo("sapo")]
    public double? TauNeg { get; init; }

    /// <summary>Most tokens left out, as a share of the batch's.</summary>
    [Range(0, 1), DefaultIs("`0.0002`"), AppliesTo("clip_cov")]
    public double? ClipCovRatio { get; init; }

    /// <summary>Only tokens of covariance above this may be left out.</summary>
    [Range(-1e9, 1e9), DefaultIs("`1`"), AppliesTo("clip_cov")]
    public double? ClipCovLb { get; init; }

    /// <summary>Only tokens of covariance below this may be left out.</summary>
    [Range(-1e9, 1e9), DefaultIs("`5`"), AppliesTo("clip_cov")]
    public double? ClipCovUb { get; init; }

    /// <summary>Share of the batch's tokens that is charged for leaving the sampling policy.</summary>
    [Range(0, 1), DefaultIs("`0.0002`"), AppliesTo("kl_cov")]
    public double? KlCovRatio { get; init; }

    /// <summary>Charge per nat.</summary>
    [Range(0, 1e6), DefaultIs("`1`"), AppliesTo("kl_cov")]
    public double? PpoKlCoef { get; init; }

    /// <summary>Dual clip: the loss of a negative advantage counts up to this ratio.</summary>
    [Range(1, 1000, AboveMin = true), DefaultIs("`3`"), AppliesTo("ppo_clip")]
    public double? ClipRatioC { get; init; }

    /// <summary>How tokens are averaged into one number.</summary>
    [OneOf("token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"), DefaultIs("`seq-mean-token-mean` for a2tgpo as in the paper and for `gspo` and `sapo`, else `token-mean`; none for `gmpo`")]
    public string? LossAggMode { get; init; }

    /// <summary>The constant divisor of <c>seq-mean-token-sum-norm</c>.</summary>
    [Range(0, 1e9, AboveMin = true)]
    public double? LossScaleFactor { get; init; }

    /// <summary>Weight of the distance to the policy the run began with; 0 leaves it out, above it a second model is held and asked every step.</summary>
    [Range(0, 1000)]
    public double KlCoef { get; init; }

    /// <summary>How that distance is estimated from a token's two log-probabilities.</summary>
    [OneOf("k1", "abs", "k2", "k3", "k1+", "k3+"), DefaultIs("`k3` if `kl_coef` is above 0")]
    public string? KlEstimator { get; init; }
}
