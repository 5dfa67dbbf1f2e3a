using System.Globalization;
using Distributed.Node.Runs;

namespace Distributed.Node.Reports;

/// <summary>The charts of a run.</summary>
internal static class RunCharts
{
    private const int MostTurns = ReportStyle.Colours;

    public static IEnumerable<LineChart> Learning(IReadOnlyList<StepReport> steps)
    {
        var series = new List<ChartSeries> { ChartSeries.Of(steps, MetricNames.HeldOut, "all", 1, smooth: false) };
        var colour = 1;
        foreach (var category in Categories(steps, MetricNames.HeldOutByCategory).Take(ReportStyle.Colours - 1))
        {
            series.Add(ChartSeries.Of(steps, MetricNames.HeldOutByCategory + category, category, ++colour, smooth: false));
        }
        var references = new List<ReferenceLine>();
        if (steps.FirstOrDefault(step => step.Step == 0)?[MetricNames.HeldOut] is { } start)
        {
            references.Add(new(start, "warm start"));
        }
        if (steps.Select(step => step[MetricNames.Untrained]).OfType<double>().FirstOrDefault(-1) is >= 0 and var untrained)
        {
            references.Add(new(untrained, "random weights"));
        }
        yield return Chart(steps, "Held-out success", "greedy, on questions never trained on, by kind of question", series) with { Range = (0, 1), References = references, Wide = true, Format = "0.00" };
        yield return Chart(steps, "Success while training", "share of right answers, sampled", [ChartSeries.Of(steps, MetricNames.Success, "success", 1)]) with { Range = (0, 1) };
        yield return Chart(steps, "Reward", "mean outcome reward of a rollout", [ChartSeries.Of(steps, MetricNames.Reward, "reward", 1)]);
    }

    public static IEnumerable<LineChart> Credit(IReadOnlyList<StepReport> steps)
    {
        var turns = Enumerable.Range(1, MostTurns).Where(turn => steps.Any(step => step[MetricNames.GainOfTurn(turn)] is not null));
        yield return Chart(steps, "Information gain by turn", "rise of the right answer's probability",
            [.. turns.Select(turn => ChartSeries.Of(steps, MetricNames.GainOfTurn(turn), string.Create(CultureInfo.InvariantCulture, $"turn {turn}"), turn))]);
        yield return Chart(steps, "Advantage collapse", "share of groups whose outcomes are all equal", [ChartSeries.Of(steps, MetricNames.AdvantageCollapse, "collapse", 1)]) with { Range = (0, 1) };
    }

    public static IEnumerable<LineChart> Episodes(IReadOnlyList<StepReport> steps)
    {
        yield return Chart(steps, "Turns", "of an episode, mean", [ChartSeries.Of(steps, MetricNames.Turns, "turns", 1)]);
        yield return Chart(steps, "Ended otherwise", "share of rollouts, and of tool turns that failed",
        [
            ChartSeries.Of(steps, MetricNames.Malformed, "malformed", 5),
            ChartSeries.Of(steps, MetricNames.TurnsExhausted, "out of turns", 3),
            ChartSeries.Of(steps, MetricNames.Truncated, "cut off", 4),
            ChartSeries.Of(steps, MetricNames.ToolErrors, "tool errors", 6),
        ]);
    }

    public static IEnumerable<LineChart> Updates(IReadOnlyList<StepReport> steps)
    {
        yield return Chart(steps, "Entropy", "of the policy at trained tokens, nats", [ChartSeries.Of(steps, MetricNames.Entropy, "entropy", 1)]);
        yield return Chart(steps, "Clipped", "share of trained tokens whose ratio was clipped", [ChartSeries.Of(steps, MetricNames.ClipFraction, "clipped", 1)]);
        yield return Chart(steps, "Mismatch", "of sampler's and learner's log-probabilities, nats", [ChartSeries.Of(steps, MetricNames.LogProbDifference, "mismatch", 1)]) with { Format = "0.####" };
        yield return Chart(steps, "Gradient norm", "before clipping", [ChartSeries.Of(steps, MetricNames.GradNorm, "norm", 1)]);
        if (steps.Any(step => step[MetricNames.StalenessMax] is > 0))
        {
            yield return Chart(steps, "Staleness", "age of trained rollouts in policy versions",
                [ChartSeries.Of(steps, MetricNames.StalenessMean, "mean", 1), ChartSeries.Of(steps, MetricNames.StalenessMax, "max", 3)]);
        }
    }

    public static IEnumerable<LineChart> Machine(IReadOnlyList<StepReport> steps)
    {
        yield return Chart(steps, "Tokens per second", "of work, by role",
        [
            ChartSeries.Of(steps, MetricNames.RolloutSpeed, "rollout", 1),
            ChartSeries.Of(steps, MetricNames.ScoreSpeed, "score", 2),
            ChartSeries.Of(steps, MetricNames.TrainSpeed, "train", 3),
        ]);
        yield return Chart(steps, "Idle", "share of a step without work, by role",
        [
            ChartSeries.Of(steps, MetricNames.RolloutIdle, "rollout", 1),
            ChartSeries.Of(steps, MetricNames.ScoreIdle, "score", 2),
            ChartSeries.Of(steps, MetricNames.TrainIdle, "train", 3),
        ]) with { Range = (0, 1) };
    }

    /// <summary>The categories a metric was measured by, in the order of their names.</summary>
    public static IReadOnlyList<string> Categories(IReadOnlyList<StepReport> steps, string prefix) =>
    [
        .. steps.SelectMany(step => step.Metrics.Keys)
            .Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(key => key[prefix.Length..])
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private static LineChart Chart(IReadOnlyList<StepReport> steps, string title, string meaning, IReadOnlyList<ChartSeries> series) =>
        new(title, meaning, [.. series.Where(s => s.Points.Count > 0)]) { LastStep = Math.Max(1, steps[^1].Step) };
}
