namespace Distributed.Credit;

/// <summary>What a training step's loss was made of; means are over trained tokens, 0 if there were none.</summary>
/// <param name="Tokens">Trained tokens.</param>
/// <param name="ClipFraction">Metric <c>clip_fraction</c>: share of tokens whose loss was the clipped branch (for cispo: whose weight was
/// clipped).</param>
/// <param name="ClipFractionLower">Share of tokens held by the dual clip.</param>
/// <param name="PpoKl">Mean of log pi_old - log pi_theta, nats.</param>
/// <param name="RatioMean">Mean ratio.</param>
/// <param name="RatioMax">Largest ratio.</param>
/// <param name="ReferenceKl">Mean distance to the reference policy by the chosen estimator; 0 without one.</param>
public sealed record LossStatistics(
    long Tokens,
    double ClipFraction,
    double ClipFractionLower,
    double PpoKl,
    double RatioMean,
    double RatioMax,
    double ReferenceKl);

/// <summary>Counts of one sequence, or of several added up.</summary>
internal struct LossTally
{
    public long Tokens;
    public long Clipped;
    public long ClippedLower;
    public double LogRatioSum;
    public double RatioSum;
    public double RatioMax;
    public double KlSum;

    public void Add(double ratio, int tokens)
    {
        RatioSum += ratio * tokens;
        RatioMax = Math.Max(RatioMax, ratio);
    }

    public void Add(LossTally other)
    {
        Tokens += other.Tokens;
        Clipped += other.Clipped;
        ClippedLower += other.ClippedLower;
        LogRatioSum += other.LogRatioSum;
        RatioSum += other.RatioSum;
        RatioMax = Math.Max(RatioMax, other.RatioMax);
        KlSum += other.KlSum;
    }

    public readonly LossStatistics ToStatistics()
    {
        double divisor = Math.Max(1, Tokens);
        return new LossStatistics(Tokens, Clipped / divisor, ClippedLower / divisor, -LogRatioSum / divisor, RatioSum / divisor, RatioMax,
            KlSum / divisor);
    }
}
