using System.Globalization;
using System.Net;
using System.Text;
using Distributed.Node.Reports;
using Distributed.Node.Terminal;

namespace Distributed.Node.Comparison;

/// <summary>report.html of a comparison: tables and charts on one page that needs nothing else.</summary>
internal sealed class ComparisonPage(ComparisonResults results)
{
    private readonly StringBuilder html = new();
    private readonly List<NamedChart> charts = [];

    /// <summary>The page, and every chart of it for a file of its own.</summary>
    public (string Html, IReadOnlyList<NamedChart> Charts) Render()
    {
        var file = results.File;
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.Append(CultureInfo.InvariantCulture, $"<title>{Text(file.Name)}</title><style>{ReportStyle.Css}\n{ChartStyle.Css}\n{PageCss}</style></head><body><main>\n");
        html.Append(CultureInfo.InvariantCulture, $"<h1>{Text(file.Name)}</h1><p class=\"sub\">{file.Methods.Count} methods · {file.Tasks.Count} {(file.Tasks.Count == 1 ? "task" : "tasks")} · seeds {string.Join(", ", file.Seeds)} · compared with {Text(file.Reference)}</p>\n");
        Numbers();
        if (file.Tasks.Count > 1) Overview();
        var drawn = new ComparisonCharts(results);
        foreach (var task in file.Tasks.Select(task => task.Name).Where(task => results.Rows.Any(row => row.Task == task)))
        {
            if (file.Tasks.Count > 1) html.Append(CultureInfo.InvariantCulture, $"<h2 class=\"task\">{Text(task)}</h2>\n");
            Table(task);
            Section("Outcomes", "", drawn.Outcomes(task));
            Section("Learning", "", [drawn.Learning(task)]);
            Section("", "panels", drawn.LearningByMethod(task));
            Section("By kind of question", "", drawn.Categories(task));
            Section("Information gain by turn", "panels", drawn.Gains(task));
            Section("Behaviour", "", drawn.Behaviour(task));
        }

        html.Append("<h2>Repeat it</h2><p class=\"note\">The file below with the recipe it names; results.csv and curves.csv beside this page have every number, plots/ has every chart.</p>");
        html.Append(CultureInfo.InvariantCulture, $"<pre><code>{Text(file.Source)}</code></pre></main></body></html>\n");
        return (html.ToString(), charts);
    }

    /// <summary>A chart as a file of its own.</summary>
    public static string Standalone(NamedChart chart) =>
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + chart.Svg.Insert(chart.Svg.IndexOf('>', StringComparison.Ordinal) + 1, $"<style>{ChartStyle.Css}</style>") + "\n";

    private const string PageCss = """
        figure svg.chart { background: none } .panels { grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr)) } figure { padding: 14px 14px 8px }
        h2.task { font-size: 23px; margin-top: 56px; padding-top: 18px; border-top: 1px solid var(--rule) } td.best { font-weight: 650 } tr.reference td:first-child::after { content: " (reference)"; color: var(--muted) }
        th, td { padding: 5px 11px 5px 0; font-size: 14px } pre { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px; overflow-x: auto }
        """;

    private void Numbers()
    {
        html.Append("<div class=\"numbers\">");
        Number(string.Create(CultureInfo.InvariantCulture, $"{results.Curves.Count}"), results.Curves.Count == results.Planned ? "runs" : string.Create(CultureInfo.InvariantCulture, $"of {results.Planned} runs are done"));
        Number(string.Create(CultureInfo.InvariantCulture, $"{results.Curves.Max(curve => curve.Steps[^1].Step)}"), "steps each");
        var recipe = results.Curves[0].Run.Recipe;
        Number(RunHistory.Thousands(results.Curves.Sum(curve => (double)curve.Steps[^1].Step * curve.Run.Recipe.PromptsPerStep * curve.Run.Recipe.GroupSize)), string.Create(CultureInfo.InvariantCulture, $"rollouts, {recipe.PromptsPerStep} prompts x {recipe.GroupSize} a step"));
        Number(string.Create(CultureInfo.InvariantCulture, $"{recipe.Evaluation.FinalQuestions ?? recipe.Evaluation.Questions}"), "held-out questions at the end");
        Number(RunHistory.Clock(results.Curves.Sum(curve => curve.Seconds)), "of runs, one after the other");
        html.Append("</div>\n");

        void Number(string value, string meaning) => html.Append(CultureInfo.InvariantCulture, $"<div class=\"number\"><b>{value}</b><span>{meaning}</span></div>");
    }

    private void Overview()
    {
        var best = results.File.Tasks.Select(task => results.Rows.Where(row => row.Task == task.Name).Select(row => row.Final.Mean).DefaultIfEmpty(1).Max()).ToArray();
        html.Append("<h2>Which method wins where</h2><div class=\"scroll\"><table><thead><tr>").AppendJoin("", ComparisonTable.OverviewHeads(results).Select(head => $"<th>{Text(head)}</th>")).Append("</tr></thead><tbody>");
        foreach (var method in results.File.Methods)
        {
            html.Append(method.Name == results.File.Reference ? "<tr class=\"reference\">" : "<tr>");
            var cells = ComparisonTable.OverviewCells(results, method.Name);
            for (var column = 0; column < cells.Count; column++)
            {
                var leads = column > 0 && results.Rows.Any(row => row.Task == results.File.Tasks[column - 1].Name && row.Method == method.Name && row.Final.Mean >= best[column - 1]);
                html.Append(leads ? "<td class=\"best\">" : "<td>").Append(Text(cells[column])).Append("</td>");
            }

            html.Append("</tr>");
        }

        html.Append(CultureInfo.InvariantCulture, $"</tbody></table></div><p class=\"note\" style=\"margin-top:10px\">{Text(ComparisonTable.OverviewNote(results))}</p>\n");
    }

    private void Table(string task)
    {
        var rows = results.Rows.Where(row => row.Task == task).ToList();
        var (bestFinal, bestArea) = (rows.Max(row => row.Final.Mean), rows.Max(row => row.Area.Mean));
        html.Append("<div class=\"scroll\"><table><thead><tr>").AppendJoin("", ComparisonTable.Heads(results).Select(head => $"<th>{Text(head)}</th>")).Append("</tr></thead><tbody>");
        foreach (var row in rows)
        {
            html.Append(row.Method == results.File.Reference ? "<tr class=\"reference\">" : "<tr>");
            var cells = ComparisonTable.Cells(row);
            for (var column = 0; column < cells.Count; column++)
            {
                var best = (column == 2 && row.Final.Mean >= bestFinal) || (column == 4 && row.Area.Mean >= bestArea);
                html.Append(best ? "<td class=\"best\">" : "<td>").Append(Text(cells[column])).Append("</td>");
            }

            html.Append("</tr>");
        }

        html.Append(CultureInfo.InvariantCulture, $"</tbody></table></div><p class=\"note\" style=\"margin-top:10px\">{Text(ComparisonTable.Note(results))}</p>\n");
    }

    private void Section(string title, string style, IEnumerable<NamedChart> drawn)
    {
        var list = drawn.ToList();
        if (list.Count == 0) return;
        charts.AddRange(list);
        if (title.Length > 0) html.Append(CultureInfo.InvariantCulture, $"<h2>{Text(title)}</h2>");
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"charts {style}\"{(title.Length == 0 ? " style=\"margin-top:14px\"" : "")}>");
        foreach (var chart in list) html.Append(style.Length == 0 ? "<figure class=\"wide\">" : "<figure>").Append(chart.Svg).Append("</figure>\n");
        html.Append("</div>\n");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
