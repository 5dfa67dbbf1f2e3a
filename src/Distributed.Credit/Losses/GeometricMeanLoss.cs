namespace Distributed.Credit;

/// <summary>
/// GMPO 2507.20673, as in verl: -A exp(mean over the sequence of the token's log-ratio, bounded to [-clip_ratio_low, clip_ratio_high] on the
/// side that would raise the objective), A the sequence's mean advantage.
/// </summary>
internal static class GeometricMeanLoss
{
    private const double LeastWeight = 1e-10;

    /// <summary>The sequence's one loss; its gradient by each target's log-probability.</summary>
    public static double Evaluate(LossSequence sequence, ReadOnlySpan<double> logProbs, Span<double> gradient, PolicyLossOptions options, ref LossTally tally)
    {
        var length = logProbs.Length;
        if (length == 0) return 0;
        var old = sequence.OldLogProbs.Span;
        var advantages = sequence.Advantages.Span;
        var weights = sequence.RolloutIsWeights.Span;
        double logRatioSum = 0, advantageSum = 0, logWeightSum = 0;
        for (var i = 0; i < length; i++)
        {
            var logRatio = logProbs[i] - old[i];
            var bounded = Math.Clamp(logRatio, -options.ClipRatioLow, options.ClipRatioHigh);
            var sign = Math.Sign(advantages[i]);
            var clipped = sign * bounded < sign * logRatio;
            logRatioSum += sign == 0 ? 0 : clipped ? bounded : logRatio;
            gradient[i] = clipped || sign == 0 ? 0 : 1;
            if (clipped && sign > 0) tally.Clipped++;
            if (clipped && sign < 0) tally.ClippedLower++;
            advantageSum += advantages[i];
            logWeightSum += weights.IsEmpty ? 0 : Math.Log(weights[i] + LeastWeight);
            tally.LogRatioSum += Math.Clamp(logRatio, -PolicyLoss.LogRatioBound, PolicyLoss.LogRatioBound);
        }

        var divisor = length + options.MeanEpsilon;
        var mean = logRatioSum / divisor;
        var most = Math.Min(mean, PolicyLoss.FreeLogRatioBound);
        var ratio = Math.Exp(most);
        var loss = -advantageSum / divisor * ratio * Math.Exp(logWeightSum / divisor);
        for (var i = 0; i < length; i++) gradient[i] *= most < mean ? 0 : loss / divisor;
        tally.Add(ratio, length);
        return loss;
    }
}
