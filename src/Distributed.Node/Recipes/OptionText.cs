using System.Globalization;
using System.Text;

namespace Distributed.Node.Recipes;

/// <summary>How options are spelled.</summary>
internal static class OptionText
{
    /// <summary>MaxStalenessSteps is max_staleness_steps.</summary>
    public static string SnakeCase(string name)
    {
        var text = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            if (char.IsUpper(name[i]) && i > 0)
            {
                text.Append('_');
            }
            text.Append(char.ToLowerInvariant(name[i]));
        }
        return text.ToString();
    }

    /// <summary>The shortest text that reads back as the same number.</summary>
    public static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture).Replace("E-0", "e-", StringComparison.Ordinal)
        .Replace("E", "e", StringComparison.Ordinal);

    /// <summary>a, b and c.</summary>
    public static string List(IReadOnlyList<string> words) =>
        words.Count < 2 ? string.Concat(words) : $"{string.Join(", ", words.Take(words.Count - 1))} and {words[^1]}";

    /// <summary>The nearest of some words, or null if none is near: at most a third of its letters differ.</summary>
    public static string? Nearest(string word, IEnumerable<string> words) => words
        .Select(candidate => (candidate, distance: Distance(word, candidate)))
        .Where(p => p.distance <= Math.Max(1, Math.Max(word.Length, p.candidate.Length) / 3))
        .OrderBy(p => p.distance)
        .ThenBy(p => p.candidate, StringComparer.Ordinal)
        .Select(p => p.candidate)
        .FirstOrDefault();

    /// <summary>Letters to add, drop, change or swap with their neighbour.</summary>
    private static int Distance(string a, string b)
    {
        var distance = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    distance[i, j] = i + j;
                    continue;
                }
                var change = distance[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                distance[i, j] = Math.Min(change, 1 + Math.Min(distance[i - 1, j], distance[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    distance[i, j] = Math.Min(distance[i, j], distance[i - 2, j - 2] + 1);
                }
            }
        }
        return distance[a.Length, b.Length];
    }
}
