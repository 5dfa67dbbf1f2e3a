using Distributed.Protocol;

namespace Distributed.Node.Comparison;

/// <summary>
/// Two methods on the same seeds: is the mean difference larger than signs drawn by chance would make it? The paired permutation test of
/// Fisher and Pitman, two-sided.
/// </summary>
internal static class SignFlipTest
{
    /// <summary>Up to here every one of the 2^n sign patterns is looked at; beyond, 100 000 drawn ones.</summary>
    private const int MostExact = 16;

    private const int Draws = 100_000;
    private const ulong Seed = 1;

    /// <summary>Share of sign patterns whose mean is at least as far from 0 as the one seen; 1 for no differences. At best 2 / 2^n.</summary>
    public static double P(IReadOnlyList<double> differences)
    {
        var n = differences.Count;
        if (n == 0) return 1;
        var seen = Math.Abs(differences.Sum());
        var tolerance = 1e-12 * differences.Sum(Math.Abs);
        if (n > MostExact)
        {
            var reached = Enumerable.Range(0, Draws).Count(draw => Reaches(Patterns(draw, n)));
            return (reached + 1.0) / (Draws + 1);
        }

        var patterns = 1UL << n;
        var count = 0UL;
        for (var pattern = 0UL; pattern < patterns; pattern++)
        {
            if (Reaches([pattern])) count++;
        }

        return count / (double)patterns;

        bool Reaches(ReadOnlySpan<ulong> signs)
        {
            double sum = 0;
            for (var i = 0; i < n; i++) sum += (signs[i / 64] >> (i % 64) & 1) == 0 ? differences[i] : -differences[i];
            return Math.Abs(sum) >= seen - tolerance;
        }
    }

    /// <summary>The smallest p that <paramref name="pairs"/> pairs can show.</summary>
    public static double Smallest(int pairs) => pairs == 0 ? 1 : Math.Pow(2, 1 - pairs);

    private static ulong[] Patterns(int draw, int n) => [.. Enumerable.Range(0, (n + 63) / 64).Select(word => Seeds.Derive(Seed, "signs", draw, word))];
}
