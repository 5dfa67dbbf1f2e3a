using Distributed.Protocol;

namespace Distributed.Node.Comparison;

/// <summary>A mean over seeds with its 95 % percentile bootstrap interval (Efron 1979): the seeds are drawn with replacement 10 000 times.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Low">2.5th percentile of the resampled means; the mean itself for a single value.</param>
/// <param name="High">97.5th percentile.</param>
/// <param name="Count">How many values.</param>
internal sealed record Interval(double Mean, double Low, double High, int Count)
{
    private const int Resamples = 10_000;
    private const ulong Seed = 1;

    /// <summary>Of at least one value; the same values in the same order always give the same interval.</summary>
    public static Interval Of(IReadOnlyList<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfZero(values.Count);
        var mean = values.Average();
        if (values.Count == 1) return new Interval(mean, mean, mean, 1);
        var means = new double[Resamples];
        for (var resample = 0; resample < Resamples; resample++)
        {
            double sum = 0;
            for (var draw = 0; draw < values.Count; draw++) sum += values[(int)(Seeds.Derive(Seed, "bootstrap", resample, draw) % (ulong)values.Count)];
            means[resample] = sum / values.Count;
        }

        Array.Sort(means);
        return new Interval(mean, Percentile(means, 0.025), Percentile(means, 0.975), values.Count);
    }

    // Between two order statistics in proportion (Hyndman and Fan's type 7).
    private static double Percentile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        return below + 1 < sorted.Length ? sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }
}
