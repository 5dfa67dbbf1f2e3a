using System.Globalization;
using Distributed.Node.Runs;
using Distributed.Node.Terminal;

namespace Distributed.Node.Comparison;

/// <summary>Says how a comparison goes on: a line when a run ends, and now and then one about those under way with the time left. Safe to use from several threads.</summary>
/// <param name="output">Where lines go.</param>
/// <param name="time">The clock.</param>
/// <param name="runs">All runs of the comparison.</param>
/// <param name="done">How many of them were done before.</param>
/// <param name="jobs">How many run at a time.</param>
internal sealed class ComparisonProgress(TextWriter output, TimeProvider time, IReadOnlyList<PlannedRun> runs, int done, int jobs)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(20);

    private readonly Lock gate = new();
    private readonly Dictionary<PlannedRun, StepReport> underway = [];
    private readonly Dictionary<PlannedRun, (int Step, long At)> begun = [];
    private long? lastLine;
    private int finished = done;
    private int failures;
    private double stepSeconds;
    private long stepsDone;

    /// <summary>A run begins; what it reports goes to the display.</summary>
    public IRunDisplay Begin(PlannedRun run) => new Display(this, run);

    /// <summary>A run is done.</summary>
    public void Finished(PlannedRun run)
    {
        lock (gate)
        {
            finished++;
            var last = underway.GetValueOrDefault(run);
            End(run);
            var success = last?[MetricNames.HeldOut] is { } heldOut ? string.Create(CultureInfo.InvariantCulture, $"held-out {heldOut:0.000}, ") : "";
            var seconds = last is null ? "" : RunHistory.Clock(last.Seconds);
            Line($"{Count}  {run.Title}: {success}{seconds}{Left}");
        }
    }

    /// <summary>A run failed.</summary>
    public void Failed(PlannedRun run, string reason)
    {
        lock (gate)
        {
            failures++;
            End(run);
            Line($"{Count}  {run.Title}: FAILED: {reason}");
        }
    }

    private string Count => string.Create(CultureInfo.InvariantCulture, $"[{finished}/{runs.Count} done{(failures > 0 ? $", {failures} failed" : "")}]");

    // The steps still to do at the mean pace of those done so far.
    private string Left
    {
        get
        {
            if (stepsDone == 0) return "";
            var waiting = runs.Count - finished - failures - underway.Count;
            var open = runs.Average(run => run.Recipe.Steps) * waiting + underway.Values.Sum(report => report.TotalSteps - report.Step);
            var workers = Math.Max(1, Math.Min(jobs, runs.Count - finished - failures));
            return $"  left about {RunHistory.Clock(open * (stepSeconds / stepsDone) / workers)}";
        }
    }

    private void Show(PlannedRun run, StepReport report)
    {
        lock (gate)
        {
            var now = time.GetTimestamp();
            if (begun.TryGetValue(run, out var before) && report.Step > before.Step)
            {
                stepSeconds += time.GetElapsedTime(before.At, now).TotalSeconds;
                stepsDone += report.Step - before.Step;
            }
            if (before.At == 0 || report.Step > before.Step) begun[run] = (report.Step, now);
            underway[run] = report;
            if (lastLine is { } last && time.GetElapsedTime(last) < Pause) return;
            Line($"{Count}  {string.Join("; ", underway.OrderBy(entry => entry.Key.Title, StringComparer.Ordinal).Select(entry => Describe(entry.Key, entry.Value)))}{Left}");
        }
    }

    private static string Describe(PlannedRun run, StepReport report)
    {
        var success = report[MetricNames.Success] is { } value ? string.Create(CultureInfo.InvariantCulture, $" success {value:0.00}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{run.Title}: step {report.Step}/{report.TotalSteps}{success}");
    }

    private void End(PlannedRun run)
    {
        underway.Remove(run);
        begun.Remove(run);
    }

    private void Line(string text)
    {
        output.WriteLine(text);
        output.Flush();
        lastLine = time.GetTimestamp();
    }

    private sealed class Display(ComparisonProgress progress, PlannedRun run) : IRunDisplay
    {
        public void Show(StepReport report) => progress.Show(run, report);

        public void Notice(string line)
        {
            lock (progress.gate) progress.Line($"{run.Title}: {line}");
        }

        public void Dispose()
        {
        }
    }
}
