using System.Diagnostics;
using System.Globalization;

namespace Distributed.Benchmarks;

/// <summary>Something to time: returns how many tokens (or other units) it handled.</summary>
internal sealed record Contender(string Name, Func<long> Run);

/// <summary>What a contender reached: units per second, median over the rounds, with the range.</summary>
internal sealed record Measured(string Name, double Median, double Low, double High);

/// <summary>
/// Times contenders in alternation, so that what else the machine does hits all of them alike. Only medians and ratios within one
/// run are worth quoting.
/// </summary>
internal static class PairedRounds
{
    /// <summary>One warm-up round, then <paramref name="rounds"/> rounds over all contenders in turn.</summary>
    public static IReadOnlyList<Measured> Measure(int rounds, params IReadOnlyList<Contender> contenders)
    {
        var speeds = contenders.ToDictionary(contender => contender.Name, _ => new List<double>());
        for (var round = -1; round < rounds; round++)
        {
            foreach (var contender in contenders)
            {
                var began = Stopwatch.GetTimestamp();
                var units = contender.Run();
                var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
                if (round >= 0) speeds[contender.Name].Add(units / seconds);
            }
        }

        return [.. contenders.Select(contender =>
        {
            var sorted = speeds[contender.Name].Order().ToArray();
            return new Measured(contender.Name, sorted[sorted.Length / 2], sorted[0], sorted[^1]);
        })];
    }

    /// <summary>A table on standard output, each row also as a ratio to the first.</summary>
    public static void Print(string title, string unit, IReadOnlyList<Measured> rows)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n{title}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {"",-34} | {unit + ", median",18} | {"range",23} | {"ratio",6} |"));
        Console.WriteLine($"|{new string('-', 36)}|{new string('-', 20)}|{new string('-', 25)}|{new string('-', 8)}|");
        foreach (var row in rows)
        {
            var range = string.Create(CultureInfo.InvariantCulture, $"{row.Low:N0} - {row.High:N0}");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {row.Name,-34} | {row.Median,18:N0} | {range,23} | {row.Median / rows[0].Median,6:0.00} |"));
        }
    }
}
