namespace Distributed.Credit;

/// <summary>Mean and spread of a set of numbers, with the rule that equal numbers have a spread of exactly zero.</summary>
/// <remarks>
/// Three times 0.1 has a computed mean that is not 0.1 and a computed deviation near 1e-17; a z-score would make that +-1. So does 0.4 -
/// 0.7 beside
/// 0.3 - 0.6, and what it makes of them depends on the order of summation. So numbers count as equal if max - min is at most
/// <see cref="EqualWithin"/> times the larger of |max| and |min|; the mean is then the smallest of them and the deviation 0.
/// </remarks>
internal readonly record struct Moments(int Count, double Mean, double SumOfSquares, bool AllEqual)
{
    /// <summary>Relative difference that rounding alone can make, with room to spare.</summary>
    public const double EqualWithin = 1e-12;

    /// <summary>Two passes over the numbers; NaN and infinity come back as such.</summary>
    public static Moments Of(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty) return new Moments(0, 0, 0, true);
        double sum = 0, min = values[0], max = values[0];
        foreach (var value in values)
        {
            sum += value;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }

        if (max - min <= EqualWithin * Math.Max(Math.Abs(min), Math.Abs(max))) return new Moments(values.Length, min, 0, true);
        var mean = sum / values.Length;
        double squares = 0;
        foreach (var value in values) squares += (value - mean) * (value - mean);
        return new Moments(values.Length, mean, squares, false);
    }

    /// <summary>Variance over n.</summary>
    public double PopulationVariance => Count == 0 ? 0 : SumOfSquares / Count;

    /// <summary>Deviation over n.</summary>
    public double PopulationStd => Math.Sqrt(PopulationVariance);

    /// <summary>Deviation over n - 1; 0 for fewer than two numbers.</summary>
    public double SampleStd => Count < 2 ? 0 : Math.Sqrt(SumOfSquares / (Count - 1));
}
