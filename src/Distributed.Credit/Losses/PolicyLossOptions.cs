namespace Distributed.Credit;

/// <summary>Which surrogate is minimised (option <c>policy_loss</c>).</summary>
public enum PolicyLossKind
{
    /// <summary><c>ppo_clip</c>: token ratio, clipped, with dual clip (PPO 1707.06347, dual clip 1912.09729; verl's "vanilla").</summary>
    PpoClip,

    /// <summary><c>turn</c>: one ratio per turn, the clip range scaled by the turn's clip scale (A2TGPO 2605.06200, eq. 10-12).</summary>
    Turn,

    /// <summary><c>gspo</c>: one ratio per sequence (2507.18071).</summary>
    Gspo,

    /// <summary><c>cispo</c>: the clipped ratio is a constant weight of the log-probability (2506.13585).</summary>
    Cispo,
}

/// <summary>How token losses become one number (option <c>loss_agg_mode</c>).</summary>
public enum LossAggMode
{
    /// <summary><c>token-mean</c>: mean over all tokens of the batch.</summary>
    TokenMean,

    /// <summary><c>seq-mean-token-sum</c>: mean over sequences of the sum over tokens.</summary>
    SeqMeanTokenSum,

    /// <summary><c>seq-mean-token-mean</c>: mean over sequences of the mean over tokens.</summary>
    SeqMeanTokenMean,

    /// <summary><c>seq-mean-token-sum-norm</c>: sum over all tokens divided by the constant <c>loss_scale_factor</c>; the one that adds no
    /// action-dependent weight.</summary>
    SeqMeanTokenSumNorm,
}

/// <summary>How far from the reference policy a token is (option <c>kl_estimator</c>), with r = log p - log p_ref.</summary>
public enum KlEstimator
{
    /// <summary><c>k1</c>: r.</summary>
    K1,

    /// <summary><c>abs</c>: |r|.</summary>
    Abs,

    /// <summary><c>k2</c>: r^2 / 2.</summary>
    K2,

    /// <summary><c>k3</c>: exp(-r) + r - 1.</summary>
    K3,

    /// <summary><c>k1+</c>: the value of k1 with the gradient of k2.</summary>
    K1Plus,

    /// <summary><c>k3+</c>: the value of k3 with the gradient of k2.</summary>
    K3Plus,
}

/// <summary>Options of the policy loss, named as the field names them.</summary>
/// <param name="PolicyLoss">The surrogate.</param>
/// <param name="ClipRatioLow">The ratio is not rewarded below 1 - this; A2TGPO: 3e-3 with <c>turn</c>.</param>
/// <param name="ClipRatioHigh">The ratio is not rewarded above 1 + this; A2TGPO: 4e-3 with <c>turn</c>.</param>
/// <param name="ClipRatioC">Dual clip of <c>ppo_clip</c>: where A is negative the loss is at most -A times this; above 1.</param>
/// <param name="LossAggMode">The aggregation; null: seq-mean-token-mean for <c>turn</c> and <c>gspo</c> (as both papers have it),
/// token-mean otherwise.</param>
/// <param name="LossScaleFactor">Divisor of seq-mean-token-sum-norm, above 0; must be given for that mode.</param>
/// <param name="KlCoef">Weight of the distance to the reference policy; 0 leaves it out and no reference is needed.</param>
/// <param name="KlEstimator">How that distance is estimated.</param>
/// <param name="MeanEpsilon">Added to token counts before seq-mean-token-mean divides by them: 0 is exact, 1e-8 repeats verl to the last
/// digits.</param>
public sealed record PolicyLossOptions(
    PolicyLossKind PolicyLoss = PolicyLossKind.PpoClip,
    double ClipRatioLow = 0.2,
    double ClipRatioHigh = 0.2,
    double ClipRatioC = 3,
    LossAggMode? LossAggMode = null,
    double? LossScaleFactor = null,
    double KlCoef = 0,
    KlEstimator KlEstimator = KlEstimator.K3,
    double MeanEpsilon = 0)
{
    /// <summary>The aggregation in force.</summary>
    public LossAggMode EffectiveLossAggMode => LossAggMode ??
        (PolicyLoss is PolicyLossKind.Turn or PolicyLossKind.Gspo ? Credit.LossAggMode.SeqMeanTokenMean : Credit.LossAggMode.TokenMean);

    /// <summary>Throws <see cref="CreditException"/> if an option is out of its range or one that is needed is missing.</summary>
    public void Validate()
    {
        // The lower bound 1 - clip_ratio_low may be 0 but not negative; clip scales can be up to 2.
        OptionRange.Between("policy_loss", "clip_ratio_low", ClipRatioLow, 0, 1);
        OptionRange.AtLeast("policy_loss", "clip_ratio_high", ClipRatioHigh, 0);
        OptionRange.Above("policy_loss", "clip_ratio_c", ClipRatioC, 1);
        OptionRange.AtLeast("policy_loss", "kl_coef", KlCoef, 0);
        OptionRange.AtLeast("policy_loss", "mean_epsilon", MeanEpsilon, 0);
        if (LossScaleFactor is { } factor) OptionRange.Above("policy_loss", "loss_scale_factor", factor, 0);
        else if (EffectiveLossAggMode == Credit.LossAggMode.SeqMeanTokenSumNorm)
            throw new CreditException("policy_loss: loss_agg_mode seq-mean-token-sum-norm needs loss_scale_factor; give a constant such as the most tokens a rollout may have");
    }
}
