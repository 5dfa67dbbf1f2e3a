namespace Distributed.Credit;

/// <summary>Losses of one token that are no clipped ratio, and their derivatives by that token's log-probability.</summary>
internal static class TokenSurrogates
{
    /// <summary>-A gate(r), gate(r) = (4 / tau) sigmoid(tau (r - 1)): slope 1 at r = 1 like the plain ratio, flat far from it (2511.20347).</summary>
    public static (double Loss, double Derivative) Sapo(SpanRatio ratio, double advantage, PolicyLossOptions options)
    {
        var tau = advantage > 0 ? options.TauPos : options.TauNeg;
        var sigmoid = 1 / (1 + Math.Exp(-tau * (ratio.Value - 1)));
        var slope = ratio.Bounded ? 0 : 4 * sigmoid * (1 - sigmoid) * ratio.Value;
        return (-advantage * sigmoid * 4 / tau, -advantage * slope);
    }

    /// <summary>-A r, plus a charge per nat of |log r| if the token was chosen for it (2505.22617, KL-Cov).</summary>
    public static (double Loss, double Derivative) KlCov(SpanRatio ratio, double logRatio, double advantage, bool charged, PolicyLossOptions options)
    {
        var free = -advantage * ratio.Value;
        var coefficient = charged ? options.PpoKlCoef : 0;
        return (free + coefficient * Math.Abs(logRatio), (ratio.Bounded ? 0 : free) + coefficient * Math.Sign(logRatio));
    }

    /// <summary>-A log p (REINFORCE; verl's gpg).</summary>
    public static (double Loss, double Derivative) Reinforce(double advantage, double logProb) => (-advantage * logProb, -advantage);
}
