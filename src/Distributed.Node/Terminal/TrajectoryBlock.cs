using System.Globalization;
using Distributed.Node.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Distributed.Node.Terminal;

/// <summary>A trajectory for a terminal: texts on the left, gain and advantage as bars on the right.</summary>
internal static class TrajectoryBlock
{
    private const int BarWidth = 8;

    public static IRenderable Render(TrajectoryRecord trajectory)
    {
        var colour = trajectory.Outcome == "correct" ? "springgreen3" : "indianred1";
        var header = new Markup(string.Create(CultureInfo.InvariantCulture,
            $"[bold {colour}]{Markup.Escape(trajectory.Outcome.Replace('_', ' '))}[/]  step {trajectory.Step}  [grey]{Markup.Escape(trajectory.Category)} · reward {trajectory.Reward:0.##} · group {trajectory.Group}, sample {trajectory.Sample} · policy version {trajectory.Version} · {Markup.Escape(trajectory.ProblemId)}[/]"));
        var rows = new List<IRenderable> { header, new Text(trajectory.Prompt.Trim()) };
        if (trajectory.GoldenAnswers.Count > 0)
        {
            rows.Add(new Markup($"[grey]right answer: {Markup.Escape(string.Join(" or ", trajectory.GoldenAnswers))}[/]"));
        }
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new(2, 0, 2, 0) }).AddColumn(new GridColumn { Padding = new(0, 0, 3, 0) })
            .AddColumn(new GridColumn { NoWrap = true, Padding = new(0, 0, 0, 0) });
        var largestGain = Math.Max(1e-9, trajectory.Turns.Max(turn => Math.Max(Math.Abs(turn.InformationGain ?? 0), Math.Abs(turn.ProcessReward ?? 0))));
        var largestAdvantage = Math.Max(1e-9, trajectory.Turns.Max(turn => Math.Abs(turn.Advantage ?? 0)));
        for (var i = 0; i < trajectory.Turns.Count; i++)
        {
            var turn = trajectory.Turns[i];
            grid.AddRow(
                new Markup(string.Create(CultureInfo.InvariantCulture, $"[grey]{i + 1}[/]")),
                Said(turn),
                new Rows(Bars(turn, largestGain, largestAdvantage)));
        }
        rows.Add(grid);
        return new Rows(rows);
    }

    private static Rows Said(TrajectoryTurn turn)
    {
        var lines = new List<IRenderable> { new Text(turn.Action.Trim()) };
        if (turn.Observation is { } observation)
        {
            lines.Add(new Text(observation.Trim(), new Style(turn.ToolError ? Color.IndianRed1 : Color.Grey)));
        }
        return new Rows(lines);
    }

    private static IEnumerable<IRenderable> Bars(TrajectoryTurn turn, double largestGain, double largestAdvantage)
    {
        if (turn.InformationGain is { } gain)
        {
            yield return Bar("gain", gain, largestGain, "0.000", "springgreen3");
        }
        if (turn.ProcessReward is { } reward)
        {
            yield return Bar("reward", reward, largestGain, "0.000", "springgreen3");
        }
        if (turn.Advantage is { } advantage)
        {
            yield return Bar("advantage", advantage, largestAdvantage, "0.00", "deepskyblue1");
        }
        if (turn.ClipScale is { } clip && clip != 1)
        {
            yield return new Markup(string.Create(CultureInfo.InvariantCulture, $"[grey]clip range x {clip:0.00}[/]"));
        }
    }

    private static Markup Bar(string name, double value, double largest, string format, string colour)
    {
        var number = value.ToString($"+{format};-{format};{format}", CultureInfo.InvariantCulture);
        var length = (int)Math.Round(Math.Abs(value) / largest * BarWidth);
        return new Markup($"[grey]{name,-10}[/]{number,7} [{(value < 0 ? "indianred1" : colour)}]{new string('■', length)}[/]");
    }
}
