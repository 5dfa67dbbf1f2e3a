using System.Globalization;
using System.Text;
using Distributed.Credit;
using Distributed.Credit.Bias;

namespace Distributed.Node.CreditFiles;

/// <summary>Which way each method pushes the decision to stop, on the same scored groups, as a table.</summary>
internal static class StopPressureText
{
    /// <summary>What the columns mean.</summary>
    public const string Note = "By how much more a rollout that ended with this turn is credited there than one of its group that went on, +- one standard error; positive pushes to stop. "
        + "rloo has the outcome's own push, turn-peer that of outcome and gains together, both without bias; methods that divide by a deviation carry a positive scale: compare signs, and sizes only with the same divisor. "
        + "A malformed or cut-off turn ends a rollout too. Turns at which fewer than 1 % stopped or went on are left out.";

    private static readonly StudiedMethod[] Methods =
    [
        .. BiasStudy.Methods.Where(method => method.Name is not ("turn-peer, all rollouts" or "turn-peer, scale peers" or "a2tgpo, no sqrt")),
        Floored("igpo joint, floor 0.1", "igpo"),
        Floored("a2tgpo, floor 0.1", "a2tgpo"),
    ];

    /// <summary>The table as Markdown, a row for each method, a column for each turn at which at least 1 % of the rollouts stopped and 1 % went on.</summary>
    /// <param name="groups">The groups; those of one step are one batch.</param>
    /// <param name="file">Where they are from.</param>
    public static string Markdown(IReadOnlyList<FileGroup> groups, string file)
    {
        var rows = Methods.Select(method => (method.Name, Pressure: StopPressure.Of(CreditFile.Assign(AdvantageEstimators.Create(method.Method, method.Options), groups, file)))).ToArray();
        var turns = rows[0].Pressure.Where(pressure => pressure.Stopped is >= 0.01 and <= 0.99).ToArray();
        var text = new StringBuilder("| method |");
        foreach (var turn in turns) text.Append(CultureInfo.InvariantCulture, $" turn {turn.Turn + 1} ({turn.Reached} reached it, {turn.Stopped:0 %} stopped) |");
        text.Append("\n|---|").AppendJoin("", turns.Select(_ => "---:|")).Append('\n');
        foreach (var (name, pressure) in rows)
        {
            text.Append("| ").Append(name).Append(" |");
            foreach (var turn in turns) text.Append(' ').Append(Cell(pressure[turn.Turn])).Append(" |");
            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Cell(StopPressure pressure) => string.Create(CultureInfo.InvariantCulture, $"{pressure.Slope:+0.000;-0.000;0.000} ± {pressure.StandardError:0.000}");

    private static StudiedMethod Floored(string name, string method) =>
        new(name, method, new Dictionary<string, string> { ["ig_std_floor"] = "0.1" }, GradientTarget.OutcomeAndGains);
}
