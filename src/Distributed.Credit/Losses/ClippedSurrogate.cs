namespace Distributed.Credit;

/// <summary>The ratio of a token, turn or sequence.</summary>
/// <param name="Value">pi_theta / pi_old, the geometric mean over the span's tokens.</param>
/// <param name="Tokens">Tokens of the span.</param>
/// <param name="Bounded">The log-ratio hit its bound, so the ratio no longer depends on the policy.</param>
internal readonly record struct SpanRatio(double Value, int Tokens, bool Bounded);

/// <summary>Loss of one token and its derivative by that token's log-probability.</summary>
internal static class ClippedSurrogate
{
    /// <summary>
    /// -min(s A, clip(s, 1 - c low, 1 + c high) A); with the token ratio also at most -A * clip_ratio_c where A is negative.
    /// </summary>
    /// <remarks>
    /// A span of n tokens has n such losses that share s, and ds / dlogp = s / n for each token: with one advantage per span the derivative
    /// of their sum
    /// is s A for every token. With several advantages in a span the token's own is used (GSPO-token's stop-gradient form, as verl has it).
    /// </remarks>
    public static (double Loss, double Derivative) Ratio(SpanRatio ratio, double advantage, double clipScale, PolicyLossOptions options,
        ref LossTally tally)
    {
        var low = 1 - clipScale * options.ClipRatioLow;
        var high = 1 + clipScale * options.ClipRatioHigh;
        var free = -advantage * ratio.Value;
        var clipped = -advantage * Math.Clamp(ratio.Value, low, high);
        var loss = Math.Max(free, clipped);
        var derivative = clipped > free || ratio.Bounded ? 0 : free;
        if (clipped > free) tally.Clipped++;
        if (options.PolicyLoss != PolicyLossKind.PpoClip || advantage >= 0) return (loss, derivative);
        var most = -advantage * options.ClipRatioC;
        if (loss <= most) return (loss, derivative);
        tally.ClippedLower++;
        return (most, 0);
    }

    /// <summary>-clip(s, 1 - low, 1 + high) A log p, the clipped ratio held constant.</summary>
    public static (double Loss, double Derivative) Cispo(double ratio, double advantage, double logProb, PolicyLossOptions options,
        ref LossTally tally)
    {
        var weight = Math.Clamp(ratio, 1 - options.ClipRatioLow, 1 + options.ClipRatioHigh);
        if (weight != ratio) tally.Clipped++;
        return (-weight * advantage * logProb, -weight * advantage);
    }
}
