using System.Globalization;
using Distributed.Node.Runs;

namespace Distributed.Node.Terminal;

/// <summary>What a display remembers of the steps it has seen. Bounded: when full, every other step is forgotten.</summary>
internal sealed class RunHistory
{
    private const int Most = 4096;
    private const int RecentSteps = 20;
    private const string Bars = "▁▂▃▄▅▆▇█";

    private readonly List<StepReport> steps = [];
    private readonly Queue<(int Step, double Seconds)> recent = new();

    /// <summary>The newest step.</summary>
    public StepReport? Newest { get; private set; }

    /// <summary>The newest step with a held-out evaluation.</summary>
    public StepReport? NewestEvaluation { get; private set; }

    /// <summary>Takes a step, or what is newly known of the last one.</summary>
    public void Add(StepReport report)
    {
        if (Newest is not null && report.Step <= Newest.Step)
        {
            steps.RemoveAll(step => step.Step >= report.Step); // the same step again, or a learner that went back
        }
        if (Newest is null || report.Step > Newest.Step)
        {
            recent.Enqueue((report.Step, report.Seconds));
            while (recent.Count > RecentSteps + 1)
            {
                recent.Dequeue();
            }
        }
        else if (report.Step < Newest.Step)
        {
            recent.Clear();
        }
        if (steps.Count == Most)
        {
            for (var i = Most - 1; i >= 0; i -= 2)
            {
                steps.RemoveAt(i);
            }
        }
        steps.Add(report);
        Newest = report;
        NewestEvaluation = report[MetricNames.HeldOut] is null ? NewestEvaluation : report;
    }

    /// <summary>Seconds the remaining steps will take at the pace of the last few; null before there is one.</summary>
    public double? SecondsLeft => Newest is { } newest && recent.Count > 1 && newest.Step > recent.Peek().Step
        ? (newest.Seconds - recent.Peek().Seconds) / (newest.Step - recent.Peek().Step) * (newest.TotalSteps - newest.Step)
        : null;

    /// <summary>A metric's values so far as a row of bars between 0 and 1.</summary>
    public string Sparkline(string metric, int width)
    {
        var values = steps.Select(step => step[metric]).OfType<double>().ToList();
        var columns = Math.Min(width, values.Count);
        return string.Create(columns, values, (bars, all) =>
        {
            for (var i = 0; i < bars.Length; i++)
            {
                var (from, to) = (i * all.Count / bars.Length, (i + 1) * all.Count / bars.Length);
                var mean = all.GetRange(from, to - from).Average();
                bars[i] = Bars[(int)(Math.Clamp(mean, 0, 1) * (Bars.Length - 1) + 0.5)];
            }
        });
    }

    /// <summary>Mean information gain of the first, second.. tool turn of the newest step.</summary>
    public IReadOnlyList<double> GainByTurn
    {
        get
        {
            var gains = new List<double>();
            while (Newest?[MetricNames.GainOfTurn(gains.Count + 1)] is { } gain)
            {
                gains.Add(gain);
            }
            return gains;
        }
    }

    /// <summary>Held-out success by category, of the newest evaluation.</summary>
    public IEnumerable<(string Category, double Success)> HeldOutByCategory => NewestEvaluation is not { } evaluation ? [] : evaluation.Metrics
        .Where(metric => metric.Key.StartsWith(MetricNames.HeldOutByCategory, StringComparison.Ordinal))
        .OrderBy(metric => metric.Key, StringComparer.Ordinal)
        .Select(metric => (metric.Key[MetricNames.HeldOutByCategory.Length..], metric.Value));

    /// <summary>1:02:03, or 2:03.</summary>
    public static string Clock(double seconds)
    {
        var span = TimeSpan.FromSeconds(Math.Clamp(Math.Round(seconds), 0, 8_640_000));
        return span.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}:{span.Minutes:00}:{span.Seconds:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{span.Minutes}:{span.Seconds:00}");
    }

    /// <summary>52.3k, 941.</summary>
    public static string Thousands(double value) => value >= 100_000 ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0}k")
        : value >= 1000 ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.0}k")
        : value.ToString("0", CultureInfo.InvariantCulture);
}
