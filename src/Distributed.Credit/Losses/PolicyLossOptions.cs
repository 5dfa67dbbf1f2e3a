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

    /// <summary><c>sapo</c>: a sigmoid gate of the token ratio instead of a clip (2511.20347, as in verl).</summary>
    Sapo,

    /// <summary><c>gmpo</c>: geometric mean of the sequence's clipped token ratios (2507.20673, verl's "geo_mean").</summary>
    Gmpo,

    /// <summary><c>reinforce</c>: -A log p, no ratio (verl's "reinforce"; the same as its "gpg", 2504.02546).</summary>
    Reinforce,

    /// <summary><c>clip_cov</c>: as ppo_clip without dual clip, and some tokens of high covariance between advantage and log-probability are
    /// left out (2505.22617).</summary>
    ClipCov,

    /// <summary><c>kl_cov</c>: the plain ratio, and the tokens of highest covariance are charged for leaving pi_old (2505.22617).</summary>
    KlCov,
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
/// <param name="LossAggMode">The aggregation; null: seq-mean-token-mean for <c>turn</c>, <c>gspo</c> and <c>sapo</c> (as their papers have
/// it), token-mean otherwise. <c>gmpo</c> has one number a sequence and takes their mean: leave it out there.</param>
/// <param name="LossScaleFactor">Divisor of seq-mean-token-sum-norm, above 0; must be given for that mode.</param>
/// <param name="KlCoef">Weight of the distance to the reference policy; 0 leaves it out and no reference is needed.</param>
/// <param name="KlEstimator">How that distance is estimated.</param>
/// <param name="MeanEpsilon">Added to token counts before seq-mean-token-mean and gmpo divide by them: 0 is exact, 1e-8 repeats verl to the
/// last digits.</param>
/// <param name="TauPos"><c>sapo</c>: temperature of the gate where A is positive, above 0.</param>
/// <param name="TauNeg"><c>sapo</c>: temperature of the gate elsewhere, above 0; a higher one forgets unlikely tokens more gently.</param>
/// <param name="ClipCovRatio"><c>clip_cov</c>: most tokens left out, as a share of the batch's; at least one is.</param>
/// <param name="ClipCovLb"><c>clip_cov</c>: only tokens of covariance above this may be left out.</param>
/// <param name="ClipCovUb"><c>clip_cov</c>: only tokens of covariance below this may be left out.</param>
/// <param name="KlCovRatio"><c>kl_cov</c>: share of the batch's tokens that is charged; at least one is.</param>
/// <param name="PpoKlCoef"><c>kl_cov</c>: charge per nat of |log pi_theta - log pi_old|.</param>
public sealed record PolicyLossOptions(
    PolicyLossKind PolicyLoss = PolicyLossKind.PpoClip,
    double ClipRatioLow = 0.2,
    double ClipRatioHigh = 0.2,
    double ClipRatioC = 3,
    LossAggMode? LossAggMode = null,
    double? LossScaleFactor = null,
    double KlCoef = 0,
    KlEstimator KlEstimator = KlEstimator.K3,
    double MeanEpsilon = 0,
    double TauPos = 1,
    double TauNeg = 1.05,
    double ClipCovRatio = 0.0002,
    double ClipCovLb = 1,
    double ClipCovUb = 5,
    double KlCovRatio = 0.0002,
    double PpoKlCoef = 1)
{
    /// <summary>The aggregation in force.</summary>
    public LossAggMode EffectiveLossAggMode => LossAggMode ?? PolicyLoss switch
    {
        PolicyLossKind.Turn or PolicyLossKind.Gspo or PolicyLossKind.Sapo => Credit.LossAggMode.SeqMeanTokenMean,
        // One number a sequence, so the sum over its tokens is that number.
        PolicyLossKind.Gmpo => Credit.LossAggMode.SeqMeanTokenSum,
        _ => Credit.LossAggMode.TokenMean,
    };

    /// <summary>Throws <see cref="CreditException"/> if an option is out of its range or one that is needed is missing.</summary>
    public void Validate()
    {
        // The lower bound 1 - clip_ratio_low may be 0 but not negative; clip scales can be up to 2.
        OptionRange.Between("policy_loss", "clip_ratio_low", ClipRatioLow, 0, 1);
        OptionRange.AtLeast("policy_loss", "clip_ratio_high", ClipRatioHigh, 0);
        OptionRange.Above("policy_loss", "clip_ratio_c", ClipRatioC, 1);
        OptionRange.AtLeast("policy_loss", "kl_coef", KlCoef, 0);
        OptionRange.AtLeast("policy_loss", "mean_epsilon", MeanEpsilon, 0);
        OptionRange.Above("policy_loss", "tau_pos", TauPos, 0);
        OptionRange.Above("policy_loss", "tau_neg", TauNeg, 0);
        OptionRange.Between("policy_loss", "clip_cov_ratio", ClipCovRatio, 0, 1);
        OptionRange.Between("policy_loss", "kl_cov_ratio", KlCovRatio, 0, 1);
        OptionRange.AtLeast("policy_loss", "ppo_kl_coef", PpoKlCoef, 0);
        if (!(ClipCovLb < ClipCovUb)) throw new CreditException($"policy_loss: clip_cov_lb is {ClipCovLb} and clip_cov_ub {ClipCovUb}; the first must be the smaller");
        if (PolicyLoss == PolicyLossKind.Gmpo && LossAggMode is { } given and not Credit.LossAggMode.SeqMeanTokenSum)
            throw new CreditException($"policy_loss: gmpo takes the mean over sequences, loss_agg_mode {given} does not apply; leave it out");
        if (LossScaleFactor is { } factor) OptionRange.Above("policy_loss", "loss_scale_factor", factor, 0);
        else if (EffectiveLossAggMode == Credit.LossAggMode.SeqMeanTokenSumNorm)
            throw new CreditException("policy_loss: loss_agg_mode seq-mean-token-sum-norm needs loss_scale_factor; give a constant such as the most tokens a rollout may have");
    }
}
