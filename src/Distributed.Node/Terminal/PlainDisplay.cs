using System.Globalization;
using System.Text;
using Distributed.Node.Runs;

namespace Distributed.Node.Terminal;

/// <summary>Lines of text for files and pipes: at most one every few seconds, and one for every evaluation and the last step.</summary>
internal sealed class PlainDisplay : IRunDisplay
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly TextWriter output;
    private readonly TimeProvider time;
    private readonly RunHistory history = new();
    private long? lastLine;

    public PlainDisplay(TextWriter output, RunTitle title, TimeProvider time)
    {
        this.output = output;
        this.time = time;
        output.WriteLine($"{title.Name} · {title.Essentials}");
        output.WriteLine($"run folder {title.Folder}");
    }

    public void Show(StepReport report)
    {
        history.Add(report);
        var due = lastLine is not { } last || time.GetElapsedTime(last) >= Pause;
        if (due || report.Step == report.TotalSteps || report[MetricNames.HeldOut] is not null)
        {
            output.WriteLine(Line(report));
            output.Flush();
            lastLine = time.GetTimestamp();
        }
    }

    public void Notice(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }

    public void Dispose() => output.Flush();

    private string Line(StepReport report)
    {
        var line = new StringBuilder();
        Add($"step {report.Step}/{report.TotalSteps}");
        Number("success", MetricNames.Success, "0.000");
        Number("reward", MetricNames.Reward, "0.00");
        Number("turns", MetricNames.Turns, "0.0");
        if (history.GainByTurn is { Count: > 0 } gains)
        {
            Add($"gain by turn {string.Join(' ', gains.Select(gain => gain.ToString("+0.000;-0.000;0", CultureInfo.InvariantCulture)))}");
        }
        Roles("tokens/s", MetricNames.RolloutSpeed, MetricNames.ScoreSpeed, MetricNames.TrainSpeed, RunHistory.Thousands);
        Roles("idle", MetricNames.RolloutIdle, MetricNames.ScoreIdle, MetricNames.TrainIdle, share => share.ToString("0%", CultureInfo.InvariantCulture));
        if (report[MetricNames.HeldOut] is { } heldOut)
        {
            var categories = history.HeldOutByCategory.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Category} {c.Success:0.000}")).ToList();
            Add(string.Create(CultureInfo.InvariantCulture, $"held-out {heldOut:0.000}{(categories.Count > 0 ? $" ({string.Join(", ", categories)})" : "")}"));
        }
        if (report[MetricNames.Untrained] is { } untrained)
        {
            Add(string.Create(CultureInfo.InvariantCulture, $"untrained {untrained:0.000}"));
        }
        if (report.Step < report.TotalSteps && history.SecondsLeft is { } left)
        {
            Add($"left {RunHistory.Clock(left)}");
        }
        return line.ToString();

        void Add(string part) => line.Append(line.Length == 0 ? "" : "  ").Append(part);

        void Number(string label, string metric, string format)
        {
            if (report[metric] is { } value)
            {
                Add($"{label} {value.ToString(format, CultureInfo.InvariantCulture)}");
            }
        }

        void Roles(string label, string rollout, string score, string train, Func<double, string> format)
        {
            if (report[rollout] is { } r && report[train] is { } t)
            {
                Add(report[score] is { } s ? $"{label} rollout {format(r)} score {format(s)} train {format(t)}" : $"{label} rollout {format(r)} train {format(t)}");
            }
        }
    }
}
