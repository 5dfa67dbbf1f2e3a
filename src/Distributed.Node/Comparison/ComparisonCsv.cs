using System.Globalization;
using System.Text;

namespace Distributed.Node.Comparison;

/// <summary>A comparison's numbers as CSV.</summary>
internal static class ComparisonCsv
{
    private static readonly string[] Left = ["seconds", "rollout/", "score/", "train/", "idle/", "untrained/"];

    /// <summary>results.csv, long: task, method, measure, statistic, seed, value; a run's own numbers have the statistic <c>run</c>.</summary>
    public static string Results(ComparisonResults results)
    {
        var text = new StringBuilder("task,method,measure,statistic,seed,value\n");
        foreach (var curve in results.Curves)
        {
            Run(curve, "final_success", curve.Final);
            Run(curve, "mean_success", curve.Area);
            foreach (var (category, success) in curve.FinalByCategory) Run(curve, $"final_success/{category}", success);
            Run(curve, "steps", curve.Steps[^1].Step);
            Run(curve, "seconds", curve.Seconds);
        }

        foreach (var row in results.Rows)
        {
            Summary(row, "final_success", row.Final, row.FinalDifference);
            Summary(row, "mean_success", row.Area, row.AreaDifference);
        }

        return text.ToString();

        void Run(RunCurve curve, string measure, double value) => Line(curve.Run.Task, curve.Run.Method, measure, "run", curve.Run.Seed, value);

        void Summary(ComparisonRow row, string measure, Interval interval, Difference? difference)
        {
            Line(row.Task, row.Method, measure, "mean", null, interval.Mean);
            Line(row.Task, row.Method, measure, "low", null, interval.Low);
            Line(row.Task, row.Method, measure, "high", null, interval.High);
            Line(row.Task, row.Method, measure, "seeds", null, interval.Count);
            if (difference is null) return;
            Line(row.Task, row.Method, measure, "difference", null, difference.Interval.Mean);
            Line(row.Task, row.Method, measure, "difference_low", null, difference.Interval.Low);
            Line(row.Task, row.Method, measure, "difference_high", null, difference.Interval.High);
            Line(row.Task, row.Method, measure, "difference_p", null, difference.P);
        }

        void Line(string task, string method, string measure, string statistic, long? seed, double value) =>
            text.Append(CultureInfo.InvariantCulture, $"{task},{method},{Quote(measure)},{statistic},{seed},{value:R}\n");
    }

    /// <summary>curves.csv, wide: a line for every step of every run, a column for every metric; how fast the machine was is left out.</summary>
    public static string Curves(ComparisonResults results)
    {
        var metrics = results.Curves.SelectMany(curve => curve.Steps).SelectMany(step => step.Metrics.Keys).Distinct()
            .Where(metric => !Left.Any(left => metric.StartsWith(left, StringComparison.Ordinal)) && metric != "step_seconds")
            .Order(StringComparer.Ordinal).ToArray();
        var text = new StringBuilder("task,method,seed,step,").AppendJoin(',', metrics.Select(Quote)).Append('\n');
        foreach (var curve in results.Curves)
        {
            foreach (var step in curve.Steps)
            {
                text.Append(CultureInfo.InvariantCulture, $"{curve.Run.Task},{curve.Run.Method},{curve.Run.Seed},{step.Step},");
                text.AppendJoin(',', metrics.Select(metric => step[metric]?.ToString("R", CultureInfo.InvariantCulture) ?? "")).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Quote(string text) => text.AsSpan().IndexOfAny(",\"\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
