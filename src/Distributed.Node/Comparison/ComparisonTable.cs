using System.Globalization;
using System.Text;

namespace Distributed.Node.Comparison;

/// <summary>A comparison's rows as text: one table for each task, and before them, where there are several, one over all.</summary>
internal static class ComparisonTable
{
    /// <summary>Column heads.</summary>
    public static IReadOnlyList<string> Heads(ComparisonResults results) =>
        ["method", "seeds", "final success", "95 %", "mean over training", "95 %", $"final - {results.File.Reference}", "p", $"mean - {results.File.Reference}", "p"];

    /// <summary>Cells of a row.</summary>
    public static IReadOnlyList<string> Cells(ComparisonRow row) =>
    [
        row.Method, row.Final.Count.ToString(CultureInfo.InvariantCulture),
        Number(row.Final.Mean), Range(row.Final), Number(row.Area.Mean), Range(row.Area),
        .. Cells(row.FinalDifference), .. Cells(row.AreaDifference),
    ];

    /// <summary>For a terminal: columns aligned by spaces.</summary>
    public static string Plain(ComparisonResults results) => Tables(results, (text, heads, rows) =>
    {
        var widths = heads.Select((head, column) => rows.Select(row => row[column].Length).Append(head.Length).Max()).ToArray();
        foreach (var cells in rows.Prepend(heads))
        {
            text.AppendJoin("  ", cells.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).Append('\n');
        }
    });

    /// <summary>As Markdown.</summary>
    public static string Markdown(ComparisonResults results) => Tables(results, (text, heads, rows) =>
    {
        text.Append("| ").AppendJoin(" | ", heads).Append(" |\n|---|").AppendJoin("", heads.Skip(1).Select(_ => "---:|")).Append('\n');
        foreach (var cells in rows) text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    });

    /// <summary>Heads of the overview: methods down, tasks across.</summary>
    public static IReadOnlyList<string> OverviewHeads(ComparisonResults results) => ["method", .. results.File.Tasks.Select(task => task.Name)];

    /// <summary>A method's cells of the overview: its mean final success on each task, and whether all seeds agree on its place beside the reference.</summary>
    public static IReadOnlyList<string> OverviewCells(ComparisonResults results, string method) =>
    [
        method,
        .. results.File.Tasks.Select(task => results.Rows.FirstOrDefault(row => row.Task == task.Name && row.Method == method) is { } row
            ? Number(row.Final.Mean) + (row.FinalDifference?.Agreed switch { 1 => " ▲", -1 => " ▼", _ => "" })
            : ""),
    ];

    /// <summary>What the overview's signs mean.</summary>
    public static string OverviewNote(ComparisonResults results) =>
        $"Final success, mean over seeds. ▲ ahead of {results.File.Reference} on every common seed, ▼ behind it on every one.";

    /// <summary>What the numbers mean.</summary>
    public static string Note(ComparisonResults results)
    {
        var seeds = results.File.Seeds.Count;
        return string.Create(CultureInfo.InvariantCulture,
            $"Greedy success on held-out questions; means over seeds with 95 % percentile bootstrap intervals. p: paired sign-flip test against {results.File.Reference} on common seeds, two-sided, not corrected for the number of comparisons; {seeds} {(seeds == 1 ? "pair" : "pairs")} can show {SignFlipTest.Smallest(seeds):0.####} at best.");
    }

    private static string Tables(ComparisonResults results, Action<StringBuilder, IReadOnlyList<string>, IReadOnlyList<IReadOnlyList<string>>> table)
    {
        var text = new StringBuilder();
        if (results.File.Tasks.Count > 1)
        {
            table(text, OverviewHeads(results), [.. results.File.Methods.Select(method => OverviewCells(results, method.Name))]);
            text.Append('\n').Append(OverviewNote(results)).Append('\n');
        }

        foreach (var task in results.Rows.GroupBy(row => row.Task))
        {
            if (results.File.Tasks.Count > 1) text.Append('\n').Append(task.Key).Append("\n\n");
            table(text, Heads(results), [.. task.Select(Cells)]);
        }

        return text.ToString();
    }

    private static IEnumerable<string> Cells(Difference? difference) => difference is null
        ? ["", ""]
        : [difference.Interval.Mean.ToString("+0.000;-0.000;0.000", CultureInfo.InvariantCulture), difference.P.ToString("0.###", CultureInfo.InvariantCulture)];

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Range(Interval interval) => interval.Count == 1 ? "" : $"{Number(interval.Low)}..{Number(interval.High)}";
}
