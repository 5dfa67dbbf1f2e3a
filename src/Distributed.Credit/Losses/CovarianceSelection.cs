namespace Distributed.Credit;

/// <summary>
/// The tokens that <c>clip_cov</c> leaves out and <c>kl_cov</c> charges (2505.22617, as in verl): those whose
/// (A - mean A) (log p - mean log p), means over the batch's targets, is high. They drive the policy's entropy down.
/// </summary>
/// <remarks>
/// verl takes log p under the policy being trained at every update; here it is fixed when the loss is made, at pi_old unless other
/// log-probabilities are given. At the first update on a batch, the only one of on-policy training, the two are the same.
/// </remarks>
internal static class CovarianceSelection
{
    /// <summary>Per sequence, per target: whether it is chosen.</summary>
    /// <param name="options">The loss: <c>clip_cov</c> or <c>kl_cov</c>.</param>
    /// <param name="sequences">The batch.</param>
    /// <param name="logProbs">log p of each target to take the covariance with.</param>
    /// <param name="seed">Decides which candidates <c>clip_cov</c> leaves out if there are more than it may.</param>
    public static bool[][] Of(PolicyLossOptions options, IReadOnlyList<LossSequence> sequences, IReadOnlyList<ReadOnlyMemory<double>> logProbs, ulong seed)
    {
        var chosen = sequences.Select(sequence => new bool[sequence.Length]).ToArray();
        var places = new List<(int Sequence, int Target, double Covariance)>();
        double advantageSum = 0, logProbSum = 0;
        for (var s = 0; s < sequences.Count; s++)
        {
            for (var i = 0; i < sequences[s].Length; i++)
            {
                advantageSum += sequences[s].Advantages.Span[i];
                logProbSum += logProbs[s].Span[i];
                places.Add((s, i, 0));
            }
        }

        if (places.Count == 0) return chosen;
        // clip_cov's means are masked means (count + 1e-8 in verl), kl_cov's are plain ones.
        var count = places.Count + (options.PolicyLoss == PolicyLossKind.ClipCov ? options.MeanEpsilon : 0);
        for (var p = 0; p < places.Count; p++)
        {
            var (s, i, _) = places[p];
            places[p] = (s, i, (sequences[s].Advantages.Span[i] - advantageSum / count) * (logProbs[s].Span[i] - logProbSum / count));
        }

        var picked = options.PolicyLoss == PolicyLossKind.KlCov
            ? places.OrderByDescending(place => place.Covariance).Take(Math.Max(1, (int)(places.Count * options.KlCovRatio)))
            : places.Where(place => place.Covariance > options.ClipCovLb && place.Covariance < options.ClipCovUb && !IsClipped(place.Sequence, place.Target))
                .OrderBy(place => Shuffled(seed, place.Sequence, place.Target))
                .Take(Math.Max(1, (int)(places.Count * options.ClipCovRatio)));
        foreach (var (s, i, _) in picked) chosen[s][i] = true;
        return chosen;

        bool IsClipped(int s, int i)
        {
            var ratio = Math.Exp(Math.Clamp(logProbs[s].Span[i] - sequences[s].OldLogProbs.Span[i], -PolicyLoss.FreeLogRatioBound, PolicyLoss.FreeLogRatioBound));
            var advantage = sequences[s].Advantages.Span[i];
            return -advantage * Math.Clamp(ratio, 1 - options.ClipRatioLow, 1 + options.ClipRatioHigh) > -advantage * ratio;
        }
    }

    // SplitMix64's mixing function: an order that depends on the seed and the place alone.
    private static ulong Shuffled(ulong seed, int sequence, int target)
    {
        var state = seed + 0x9E3779B97F4A7C15UL * (((ulong)(uint)sequence << 32 | (uint)target) + 1);
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9UL;
        state = (state ^ (state >> 27)) * 0x94D049BB133111EBUL;
        return state ^ (state >> 31);
    }
}
