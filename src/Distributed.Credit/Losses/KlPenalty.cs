namespace Distributed.Credit;

/// <summary>
/// Distance of the policy from a reference policy at one token, and its derivative by log p
/// (Schulman, "Approximating KL divergence", and verl's kl_penalty).
/// </summary>
public static class KlPenalty
{
    /// <summary>Value and derivative, both in nats.</summary>
    /// <remarks>k3 bounds the log-ratio to +-20 and the value to +-10, as verl does; beyond a bound the derivative is 0.</remarks>
    /// <param name="estimator">The estimator.</param>
    /// <param name="logProb">log p of the token.</param>
    /// <param name="referenceLogProb">log p of the token under the reference policy.</param>
    public static (double Value, double Derivative) Of(KlEstimator estimator, double logProb, double referenceLogProb)
    {
        var difference = logProb - referenceLogProb;
        return estimator switch
        {
            KlEstimator.K1 => (difference, 1),
            KlEstimator.Abs => (Math.Abs(difference), Math.Sign(difference)),
            KlEstimator.K2 => (0.5 * difference * difference, difference),
            KlEstimator.K3 => K3(difference),
            KlEstimator.K1Plus => (difference, difference),
            KlEstimator.K3Plus => (K3(difference).Value, difference),
            _ => throw new ArgumentOutOfRangeException(nameof(estimator)),
        };
    }

    private static (double Value, double Derivative) K3(double difference)
    {
        var toReference = Math.Clamp(-difference, -20, 20);
        var ratio = Math.Exp(toReference);
        var value = ratio - toReference - 1;
        var inside = toReference == -difference && value <= 10;
        return (Math.Clamp(value, -10, 10), inside ? 1 - ratio : 0);
    }
}
