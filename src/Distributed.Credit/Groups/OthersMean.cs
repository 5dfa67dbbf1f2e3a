namespace Distributed.Credit;

/// <summary>A member of a set against the set without it, from the moments of the whole set.</summary>
internal static class OthersMean
{
    /// <summary>The member minus the mean of the others: (x - mean) n / (n - 1). Exactly 0 if all are equal or there are no
    /// others.</summary>
    public static double Difference(double member, Moments all) =>
        all.AllEqual || all.Count < 2 ? 0 : (member - all.Mean) * (all.Count / (all.Count - 1.0));

    /// <summary>Population deviation of the others; 0 if there are none.</summary>
    public static double PopulationStd(double member, Moments all)
    {
        if (all.AllEqual || all.Count < 2) return 0;
        var squares = all.SumOfSquares - (member - all.Mean) * (member - all.Mean) * all.Count / (all.Count - 1.0);
        return Math.Sqrt(Math.Max(0, squares / (all.Count - 1)));
    }
}
