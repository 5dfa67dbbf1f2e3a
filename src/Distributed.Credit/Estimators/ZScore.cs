namespace Distributed.Credit;

/// <summary>The rule by which a set of numbers is centred and scaled. Population deviation; equal numbers give exactly zero.</summary>
/// <param name="Variant">Paper: (x - mean) / max(std, floor). Released: (x - mean) / (max(sqrt(var + 1e-8), floor) + 1e-6).</param>
/// <param name="DivideByStd">False: centre only.</param>
/// <param name="Floor">Least deviation divided by; 0 for none.</param>
internal readonly record struct ZScore(MethodVariant Variant, bool DivideByStd, double Floor)
{
    /// <summary>Fills in the mean and divisor of a set.</summary>
    public (double Mean, double Divisor) Of(ReadOnlySpan<double> values)
    {
        var moments = Moments.Of(values);
        // Dividing by infinity makes every member exactly 0, whatever rounding did to the mean.
        if (moments.AllEqual) return (moments.Mean, double.PositiveInfinity);
        if (!DivideByStd) return (moments.Mean, 1);
        var deviation = Variant == MethodVariant.Paper ? moments.PopulationStd : Math.Sqrt(moments.PopulationVariance + 1e-8);
        deviation = Math.Max(deviation, Floor);
        // Two distinct numbers whose squared distance underflows are equal for every purpose here.
        if (deviation == 0) return (moments.Mean, double.PositiveInfinity);
        return (moments.Mean, Variant == MethodVariant.Paper ? deviation : deviation + 1e-6);
    }
}
