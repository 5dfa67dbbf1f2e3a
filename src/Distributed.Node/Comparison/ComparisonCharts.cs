using System.Globalization;
using Distributed.Node.Runs;

namespace Distributed.Node.Comparison;

/// <summary>A chart with the name of its file.</summary>
internal sealed record NamedChart(string File, string Svg);

/// <summary>The charts of a comparison.</summary>
internal sealed class ComparisonCharts
{
    private const int Bins = 40;
    private const double Panel = 340;
    private readonly ComparisonResults results;
    private readonly MethodStyles styles;

    /// <summary>Charts of results.</summary>
    public ComparisonCharts(ComparisonResults results)
    {
        this.results = results;
        styles = new MethodStyles([.. results.File.Methods.Select(method => method.Name)], results.File.Reference);
    }

    /// <summary>Methods of a task that have finished runs, in the file's order.</summary>
    public IReadOnlyList<string> Methods(string task) => [.. results.File.Methods.Select(method => method.Name).Where(method => results.Of(task, method).Count > 0)];

    /// <summary>Final success, success over training and the differences to the reference.</summary>
    public IEnumerable<NamedChart> Outcomes(string task)
    {
        var rows = results.Rows.Where(row => row.Task == task).ToList();
        yield return new(Name(task, "final"), new ForestChart("Final success", "greedy, on held-out questions after the last step; dots are seeds, bars 95 % bootstrap intervals", "share of right answers",
            [.. rows.Select(row => Row(row, row.Final, curve => curve.Final))]).Render());
        yield return new(Name(task, "mean-success"), new ForestChart("Success over training", "area under the learning curve divided by its steps: who learns sooner", "mean share of right answers",
            [.. rows.Select(row => Row(row, row.Area, curve => curve.Area))]).Render());
        var differences = rows.Where(row => row.AreaDifference != null).ToList();
        if (differences.Count > 0)
        {
            yield return new(Name(task, "difference"), new ForestChart(
                $"Success over training, difference to {results.File.Reference}", "on the same seeds; p of the paired sign-flip test", "difference of the mean share of right answers",
                [.. differences.Select(row => new ForestRow(row.Method, styles[row.Method], row.AreaDifference!.Interval, Pairs(row), string.Create(CultureInfo.InvariantCulture, $"{row.AreaDifference.Interval.Mean:+0.000;-0.000;0.000}  p {row.AreaDifference.P:0.###}")))])
            { WithZero = true }.Render());
        }

        ForestRow Row(ComparisonRow row, Interval interval, Func<RunCurve, double> value) => new(
            row.Method, styles[row.Method], interval, [.. results.Of(task, row.Method).Select(value)], interval.Mean.ToString("0.000", CultureInfo.InvariantCulture));

        IReadOnlyList<double> Pairs(ComparisonRow row) =>
            [.. from mine in results.Of(task, row.Method) join other in results.Of(task, results.File.Reference) on mine.Run.Seed equals other.Run.Seed select mine.Area - other.Area];
    }

    /// <summary>Every method's learning curve in one chart.</summary>
    public NamedChart Learning(string task) => new(Name(task, "learning"), new CurveChart(
        "Held-out success", "greedy; mean over seeds", [.. Methods(task).Select(method => Evaluated(task, method, MetricNames.HeldOut) with { Band = false })])
    { Range = (0, 1), LastStep = LastStep(task) }.Render());

    /// <summary>A learning curve with its band for each method, the others behind it in grey.</summary>
    public IEnumerable<NamedChart> LearningByMethod(string task) => Methods(task).Select(method => new NamedChart(
        Name(task, $"learning-{method}"),
        new CurveChart(method, "held-out success; band: 95 % interval over seeds",
            [.. Methods(task).Select(other => other == method
                ? Evaluated(task, other, MetricNames.HeldOut) with { Name = "" }
                : Evaluated(task, other, MetricNames.HeldOut) with { Name = "", Faint = true })])
        { Range = (0, 1), LastStep = LastStep(task), Width = Panel, Height = 230 }.Render()));

    /// <summary>Held-out success by the questions' category.</summary>
    public IEnumerable<NamedChart> Categories(string task)
    {
        var categories = results.Curves.Where(curve => curve.Run.Task == task).SelectMany(curve => curve.FinalByCategory.Select(entry => entry.Category)).Distinct().Order(StringComparer.Ordinal).ToList();
        return categories.Count < 2 ? [] : categories.Select((category, index) => new NamedChart(
            Name(task, string.Create(CultureInfo.InvariantCulture, $"category-{index + 1}")),
            new CurveChart(category, "held-out success on these questions; mean over seeds",
                [.. Methods(task).Select(method => Evaluated(task, method, MetricNames.HeldOutByCategory + category) with { Band = false })])
            { Range = (0, 1), LastStep = LastStep(task), Height = 300 }.Render()));
    }

    /// <summary>Mean gain of the first, second, .. tool turn for each method that measured it.</summary>
    public IEnumerable<NamedChart> Gains(string task)
    {
        var panels = Methods(task).Select(method => (Method: method, Curves: Enumerable.Range(1, 8)
            .Select(turn => Binned(task, method, MetricNames.GainOfTurn(turn), string.Create(CultureInfo.InvariantCulture, $"turn {turn}"), new MethodStyle($"m{(turn - 1) % 8 + 1}", "")))
            .Where(curve => curve.Points.Count > 0).ToList())).Where(panel => panel.Curves.Count > 0).ToList();
        if (panels.Count == 0) yield break;
        var range = ChartFrame.Fit(panels.SelectMany(panel => panel.Curves).SelectMany(curve => curve.Points).SelectMany(point => new[] { point.Low, point.High }), withZero: true);
        foreach (var (method, curves) in panels)
        {
            yield return new(Name(task, $"gain-{method}"), new CurveChart(method, "mean information gain by tool turn", curves)
            { Range = range, LastStep = LastStep(task), Width = Panel, Height = 230 }.Render());
        }
    }

    /// <summary>How episodes and groups change: turns, collapse, entropy.</summary>
    public IEnumerable<NamedChart> Behaviour(string task)
    {
        yield return Chart("turns", MetricNames.Turns, "Turns used", "of an episode while training, the answer's included; mean over seeds", null);
        yield return Chart("advantage-collapse", MetricNames.AdvantageCollapse, "Advantage collapse", "share of groups whose outcomes are all equal, so that comparing outcomes teaches nothing", (0, 1));
        yield return Chart("success-training", MetricNames.Success, "Success while training", "share of right answers, sampled", (0, 1));
        yield return Chart("entropy", MetricNames.Entropy, "Entropy", "of the policy at trained tokens, nats", null);

        NamedChart Chart(string file, string metric, string title, string meaning, (double, double)? range) => new(Name(task, file), new CurveChart(title, meaning,
            [.. Methods(task).Select(method => Binned(task, method, metric, method, styles[method]) with { Band = false })])
        { Range = range, LastStep = LastStep(task), Height = 300 }.Render());
    }

    private double LastStep(string task) => results.Curves.Where(curve => curve.Run.Task == task).Max(curve => curve.Steps[^1].Step);

    private string Name(string task, string chart) => results.File.Tasks.Count > 1 ? $"{task}-{chart}" : chart;

    private ChartCurve Evaluated(string task, string method, string metric) => new(method, styles[method],
    [
        .. results.Of(task, method).SelectMany(curve => curve.Of(metric)).GroupBy(point => point.Step).OrderBy(group => group.Key)
            .Select(group => Point(group.Key, [.. group.Select(point => point.Value)])),
    ]);

    // Noisy from step to step: averaged in even parts of the run, each seed for itself, then over seeds.
    private ChartCurve Binned(string task, string method, string metric, string name, MethodStyle style)
    {
        var last = LastStep(task);
        var width = Math.Max(1, last / Bins);
        return new ChartCurve(name, style,
        [
            .. results.Of(task, method)
                .SelectMany(curve => curve.Of(metric).GroupBy(point => (int)((point.Step - 0.5) / width)).Select(bin => (Bin: bin.Key, Value: bin.Average(point => point.Value))))
                .GroupBy(entry => entry.Bin).OrderBy(bin => bin.Key)
                .Select(bin => Point(Math.Min(last, (bin.Key + 0.5) * width + 0.5), [.. bin.Select(entry => entry.Value)])),
        ]);
    }

    private static BandPoint Point(double x, IReadOnlyList<double> values)
    {
        var interval = Interval.Of(values);
        return new BandPoint(x, interval.Mean, interval.Low, interval.High);
    }
}
