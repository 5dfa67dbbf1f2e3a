using System.Globalization;
using Distributed.Node.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Distributed.Node.Terminal;

/// <summary>The live block: what a run has reached, and what its roles are doing.</summary>
internal static class RunBlock
{
    private const int BarWidth = 40;
    private const int SparkWidth = 32;
    private const int LabelWidth = 12;

    public static IRenderable Render(RunTitle title, RunHistory history)
    {
        var rows = new List<IRenderable>
        {
            new Markup($"[bold]{Markup.Escape(title.Name)}[/] [grey]· {Markup.Escape(title.Essentials)}[/]"),
            new Markup($"[grey]{Markup.Escape(title.Folder)}[/]"),
        };
        if (history.Newest is not { } step)
        {
            rows.Add(new Markup("[grey]starting...[/]"));
            return new Rows(rows);
        }
        rows.Add(new Markup(Progress(step, history)));
        rows.Add(Facts(step, history));
        rows.Add(Roles(step));
        return new Rows(rows);
    }

    private static string Progress(StepReport step, RunHistory history)
    {
        var share = step.TotalSteps == 0 ? 1 : (double)step.Step / step.TotalSteps;
        var done = (int)Math.Round(share * BarWidth);
        var left = step.Step >= step.TotalSteps ? "done" : history.SecondsLeft is { } seconds ? $"{RunHistory.Clock(seconds)} left" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"step [bold]{step.Step}[/]/{step.TotalSteps} [deepskyblue1]{new string('━', done)}[/][grey35]{new string('━', BarWidth - done)}[/] {RunHistory.Clock(step.Seconds)} [bold]{left}[/]");
    }

    private static Grid Facts(StepReport step, RunHistory history)
    {
        var grid = new Grid { Expand = false };
        grid.AddColumn(new GridColumn { NoWrap = true, Width = LabelWidth, Padding = new(0, 0, 2, 0) }).AddColumn(new GridColumn { Padding = new(0, 0, 0, 0) });
        Add("success", $"[bold springgreen3]{Text(step, MetricNames.Success, "0.000")}[/]  [springgreen3]{history.Sparkline(MetricNames.Success, SparkWidth)}[/]");
        if (history.NewestEvaluation is { } evaluation)
        {
            var categories = string.Join("  ", history.HeldOutByCategory.Select(c => string.Create(CultureInfo.InvariantCulture, $"[grey]{Markup.Escape(c.Category)}[/] {c.Success:0.00}")));
            Add("held out", string.Create(CultureInfo.InvariantCulture, $"[bold]{evaluation[MetricNames.HeldOut]:0.000}[/]  {categories}  [grey]at step {evaluation.Step}[/]"));
        }
        Add("reward", $"{Text(step, MetricNames.Reward, "0.000")}   [grey]turns[/] {Text(step, MetricNames.Turns, "0.00")}   [grey]groups all alike[/] {Text(step, MetricNames.AdvantageCollapse, "0%")}");
        Add("ended", $"[grey]malformed[/] {Text(step, MetricNames.Malformed, "0.0%")}   [grey]out of turns[/] {Text(step, MetricNames.TurnsExhausted, "0.0%")}   [grey]cut off[/] {Text(step, MetricNames.Truncated, "0.0%")}   [grey]tool errors[/] {Text(step, MetricNames.ToolErrors, "0.0%")}");
        if (history.GainByTurn is { Count: > 0 } gains)
        {
            Add("gain by turn", string.Join("  ", gains.Select(Gain)));
        }
        Add("update", $"[grey]entropy[/] {Text(step, MetricNames.Entropy, "0.000")}   [grey]gradient[/] {Text(step, MetricNames.GradNorm, "0.000")}   [grey]clipped[/] {Text(step, MetricNames.ClipFraction, "0.0%")}   [grey]mismatch[/] {Text(step, MetricNames.LogProbDifference, "0.0e+0")}");
        return grid;

        void Add(string label, string value) => grid.AddRow(new Markup($"[grey]{label}[/]"), new Markup(value));
    }

    private static string Gain(double gain)
    {
        var colour = gain > 0.005 ? "springgreen3" : gain < -0.005 ? "indianred1" : "grey";
        return string.Create(CultureInfo.InvariantCulture, $"[{colour}]{gain:+0.000;-0.000;0.000}[/]");
    }

    private static Table Roles(StepReport step)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true, Expand = false };
        table.AddColumn(new TableColumn("") { Width = LabelWidth, Padding = new(0, 0, 2, 0) });
        foreach (var header in new[] { "tokens/s", "idle" })
        {
            table.AddColumn(new TableColumn(new Markup($"[grey]{header}[/]")) { Padding = new(0, 0, 2, 0), Alignment = Justify.Right });
        }
        table.AddColumn(new TableColumn("") { Padding = new(0, 0, 0, 0) });
        Add("rollout", MetricNames.RolloutSpeed, MetricNames.RolloutIdle);
        Add("score", MetricNames.ScoreSpeed, MetricNames.ScoreIdle);
        Add("train", MetricNames.TrainSpeed, MetricNames.TrainIdle);
        return table;

        void Add(string role, string speed, string idle)
        {
            var share = step[idle];
            var busy = share is { } i ? (int)Math.Round((1 - Math.Clamp(i, 0, 1)) * 20) : 0;
            table.AddRow(
                new Markup($"[grey]{role}[/]"),
                new Markup(step[speed] is { } value ? RunHistory.Thousands(value) : "[grey]-[/]"),
                new Markup(Text(step, idle, "0%")),
                new Markup(share is null ? "" : $"[deepskyblue1]{new string('■', busy)}[/][grey35]{new string('■', 20 - busy)}[/]"));
        }
    }

    private static string Text(StepReport step, string metric, string format) =>
        step[metric] is { } value ? Markup.Escape(value.ToString(format, CultureInfo.InvariantCulture)) : "[grey]-[/]";
}
