using System.Collections.Concurrent;
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
    private const int MostKept = 32;
    private const ulong Seed = 1;

    // The same draws for every set of a size; a chart asks for hundreds of intervals over the same few seeds.
    private static readonly ConcurrentDictionary<int, int[]> Draws = new();

    /// <summary>Of at least one value; the same values in the same order always give the same interval.</summary>
    public static Interval Of(IReadOnlyList<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfZero(values.Count);
        var mean = values.Average();
        if (values.Count == 1) return new Interval(mean, mean, mean, 1);
        var draws = values.Count <= MostKept ? Draws.GetOrAdd(values.Count, Draw) : Draw(values.Count);
        var means = new double[Resamples];
        for (var resample = 0; resample < Resamples; resample++)
        {
            double sum = 0;
            for (var draw = 0; draw < values.Count; draw++) sum += values[draws[resample * values.Count + draw]];
            means[resample] = sum / values.Count;
        }

        Array.Sort(means);
        return new Interval(mean, Percentile(means, 0.025), Percentile(means, 0.975), values.Count);
    }

    private static int[] Draw(int count)
    {
        var draws = new int[Resamples * count];
        for (var i = 0; i < draws.Length; i++) draws[i] = (int)(Seeds.Derive(Seed, "bootstrap", i) % (ulong)count);
        return draws;
    }

    // Between two order statistics in proportion (Hyndman and Fan's type 7).
    private static double Percentile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var below = (int)place;
        return below + 1 < sorted.Length ? sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }
}
