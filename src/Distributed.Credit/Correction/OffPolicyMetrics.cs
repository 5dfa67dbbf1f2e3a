namespace Distributed.Credit;

/// <summary>How far the policy that sampled is from pi_old; means over the batch's targets, 0 if there are none. r = pi_old /
/// pi_rollout.</summary>
/// <param name="Tokens">Targets counted.</param>
/// <param name="TrainRolloutLogprobAbsDiff">Metric <c>train_rollout_logprob_abs_diff</c>: mean |log r|.</param>
/// <param name="MismatchKl">Metric <c>mismatch_kl</c>: mean of r - log r - 1, an estimate of KL(pi_rollout, pi_old) that is never
/// negative.</param>
/// <param name="Kl">Mean of -log r, the plain estimate of the same.</param>
/// <param name="Chi2Token">Mean of r^2, minus 1.</param>
/// <param name="RolloutIsMean">Mean importance weight before truncation; 1 if <c>rollout_is</c> is off.</param>
/// <param name="RolloutIsMax">Largest weight before truncation; 1 if off.</param>
/// <param name="RolloutIsTruncatedFraction">Share of targets whose weight was truncated.</param>
public sealed record OffPolicyMetrics(
    long Tokens,
    double TrainRolloutLogprobAbsDiff,
    double MismatchKl,
    double Kl,
    double Chi2Token,
    double RolloutIsMean,
    double RolloutIsMax,
    double RolloutIsTruncatedFraction)
{
    internal static OffPolicyMetrics Of(IReadOnlyList<PolicyPair> batch, double[][]? weights, RolloutCorrectionOptions options)
    {
        double absolute = 0, k3 = 0, kl = 0, squares = 0, weightSum = 0, weightMax = 0;
        long tokens = 0, truncated = 0;
        for (var s = 0; s < batch.Count; s++)
        {
            var old = batch[s].Old.Span;
            var rollout = batch[s].Rollout.Span;
            for (var i = 0; i < old.Length; i++)
            {
                var logRatio = Math.Clamp(old[i] - rollout[i], -20, 20);
                var ratio = Math.Exp(logRatio);
                tokens++;
                absolute += Math.Abs(old[i] - rollout[i]);
                kl += rollout[i] - old[i];
                // Never negative in exact arithmetic; rounding must not make it so.
                k3 += Math.Max(0, ratio - logRatio - 1);
                squares += ratio * ratio;
                var weight = weights is null ? 1 : weights[s][i];
                weightSum += weight;
                weightMax = Math.Max(weightMax, weight);
                if (weights is not null && weight > options.RolloutIsThreshold) truncated++;
            }
        }

        if (tokens == 0) return new OffPolicyMetrics(0, 0, 0, 0, 0, 1, 1, 0);
        return new OffPolicyMetrics(
            tokens, absolute / tokens, k3 / tokens, kl / tokens, squares / tokens - 1,
            weightSum / tokens, weightMax, truncated / (double)tokens);
    }
}
