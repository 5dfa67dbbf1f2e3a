using System.Diagnostics;
using Distributed.Credit;

namespace Distributed.Benchmarks;

/// <summary>Times assigning credit to 4,096 groups of 16 rollouts of 10 turns by every method, on one thread; and to twice as many, to see what grows faster than the work.</summary>
internal static class CreditBenchmark
{
    private const int Groups = 4096, Rollouts = 16, Turns = 10, TurnTokens = 40;

    /// <summary>Prints a table of medians over the rounds.</summary>
    public static void Run(int rounds)
    {
        var (once, twice) = (Batch(Groups), Batch(2 * Groups));
        Console.WriteLine($"{Groups:N0} groups x {Rollouts} rollouts x {Turns} turns, one thread, median of {rounds} rounds");
        Console.WriteLine("| method | seconds | twice the groups |");
        Console.WriteLine("|---|---|---|");
        foreach (var entry in AdvantageEstimators.All)
        {
            var estimator = AdvantageEstimators.Create(entry.Name);
            estimator.Assign(once); // compiled before it is timed
            var (first, second) = (new List<double>(), new List<double>());
            for (var round = 0; round < rounds; round++)
            {
                first.Add(Seconds(estimator, once));
                second.Add(Seconds(estimator, twice));
            }

            first.Sort();
            second.Sort();
            Console.WriteLine($"| {entry.Name} | {first[rounds / 2]:0.000} | x {second[rounds / 2] / first[rounds / 2]:0.0} |");
        }
    }

    private static double Seconds(IAdvantageEstimator estimator, ScoredGroup[] batch)
    {
        var start = Stopwatch.GetTimestamp();
        var credit = estimator.Assign(batch);
        if (credit.Groups.Length != batch.Length) throw new InvalidOperationException("credit for other groups");
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Half of the rollouts succeed; a tool turn's gain is around zero; a tenth of the turns begin with an observation that others began with too.
    private static ScoredGroup[] Batch(int groups)
    {
        var chance = new Random(1);
        return [.. Enumerable.Range(0, groups).Select(group => new ScoredGroup(
            $"{group}",
            [.. Enumerable.Range(0, Rollouts).Select(rollout => new ScoredRollout(
                chance.Next(2),
                [.. Enumerable.Repeat(TurnTokens, Turns)],
                [.. Enumerable.Range(0, Turns - 1).Select(_ => chance.NextDouble() - 0.5)])
            {
                Signals = [.. Enumerable.Range(0, Turns).Select(turn => new TurnSignals
                {
                    Anchor = turn == 0 ? "" : chance.Next(10) == 0 ? $"{turn}" : $"{rollout} {turn}",
                    CalledTool = turn < Turns - 1,
                    Code = turn < Turns - 1 ? $"{chance.Next(1000)} + {chance.Next(1000)}" : null,
                })],
            })]))];
    }
}
