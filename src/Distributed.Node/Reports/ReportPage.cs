using System.Globalization;
using System.Net;
using System.Text;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Node.Terminal;

namespace Distributed.Node.Reports;

/// <summary>report.html: one page that needs nothing else, made from a run folder.</summary>
public static class ReportPage
{
    /// <summary>Writes the report of a run.</summary>
    /// <returns>The page's path.</returns>
    /// <exception cref="RefusedException">It is no run folder, a line of it is broken, or the page cannot be written.</exception>
    public static string Write(string run)
    {
        RunFolder.CheckIsRun(run);
        var recipe = RecipeFile.ReadTraining(RunFolder.RecipeOf(run), []);
        var steps = MetricsLog.Read(RunFolder.MetricsOf(run));
        if (steps.Count == 0)
        {
            throw new RefusedException($"{RunFolder.MetricsOf(run)}: has no step yet; train first");
        }
        var trajectories = File.Exists(RunFolder.TrajectoriesOf(run)) ? TrajectoryLog.Read(RunFolder.TrajectoriesOf(run)) : [];
        var path = RunFolder.ReportOf(run);
        var html = Render(recipe, steps, trajectories);
        return Disk.Guard(path, () =>
        {
            File.WriteAllText(path + ".part", html);
            File.Move(path + ".part", path, overwrite: true);
            return path;
        });
    }

    /// <summary>The page.</summary>
    internal static string Render(Recipe recipe, IReadOnlyList<StepReport> steps, IEnumerable<TrajectoryRecord> trajectories)
    {
        var name = WebUtility.HtmlEncode(recipe.Name);
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.Append(CultureInfo.InvariantCulture, $"<title>{name}</title><style>{ReportStyle.Css}</style></head><body><main>\n");
        html.Append(CultureInfo.InvariantCulture, $"<h1>{name}</h1><p class=\"sub\">{WebUtility.HtmlEncode(RunTitle.EssentialsOf(recipe))} · lr {recipe.Optimizer.Lr:0.######}</p>\n");
        Numbers(html, recipe, steps);
        Charts(html, "Learning", RunCharts.Learning(steps));
        HeldOutTable(html, steps);
        Charts(html, "Credit", RunCharts.Credit(steps));
        Charts(html, "Episodes", RunCharts.Episodes(steps));
        Charts(html, "Updates", RunCharts.Updates(steps));
        Charts(html, "Machine", RunCharts.Machine(steps));
        Trajectories(html, steps[^1].Step, trajectories);
        return html.Append("</main></body></html>\n").ToString();
    }

    private static void Numbers(StringBuilder html, Recipe recipe, IReadOnlyList<StepReport> steps)
    {
        var last = steps[^1];
        var evaluations = steps.Where(step => step[MetricNames.HeldOut] is not null).ToList();
        html.Append("<div class=\"numbers\">");
        if (evaluations.Count > 0)
        {
            Number(evaluations[^1][MetricNames.HeldOut]!.Value.ToString("0.000", CultureInfo.InvariantCulture), $"held-out success at step {evaluations[^1].Step}");
        }
        if (evaluations.Count > 1)
        {
            Number(evaluations[0][MetricNames.HeldOut]!.Value.ToString("0.000", CultureInfo.InvariantCulture), evaluations[0].Step == 0 ? "before training" : $"at step {evaluations[0].Step}");
        }
        Number(string.Create(CultureInfo.InvariantCulture, $"{last.Step}"), last.Step < last.TotalSteps ? $"of {last.TotalSteps} steps" : "steps");
        Number(RunHistory.Clock(last.Seconds), "training and evaluation");
        Number(RunHistory.Thousands((double)last.Step * recipe.PromptsPerStep * recipe.GroupSize), "rollouts");
        if (steps.Select(step => step[MetricNames.RolloutSpeed]).OfType<double>().ToList() is { Count: > 0 } speeds)
        {
            Number(RunHistory.Thousands(speeds.Order().ElementAt(speeds.Count / 2)), "rollout tokens/s (median)");
        }
        html.Append("</div>\n");

        void Number(string value, string meaning) => html.Append(CultureInfo.InvariantCulture, $"<div class=\"number\"><b>{value}</b><span>{meaning}</span></div>");
    }

    private static void Charts(StringBuilder html, string title, IEnumerable<LineChart> charts)
    {
        var drawn = charts.Where(chart => chart.HasValues).ToList();
        if (drawn.Count == 0)
        {
            return;
        }
        html.Append(CultureInfo.InvariantCulture, $"<h2>{title}</h2><div class=\"charts\">");
        foreach (var chart in drawn)
        {
            html.Append(chart.Render()).Append('\n');
        }
        html.Append("</div>\n");
    }

    private static void HeldOutTable(StringBuilder html, IReadOnlyList<StepReport> steps)
    {
        var evaluations = steps.Where(step => step[MetricNames.HeldOut] is not null).ToList();
        if (evaluations.Count == 0)
        {
            return;
        }
        var categories = RunCharts.Categories(steps, MetricNames.HeldOutByCategory);
        html.Append("<div class=\"scroll\" style=\"margin-top:18px\"><table><thead><tr><th>greedy success on held-out questions</th><th>all</th>");
        html.AppendJoin("", categories.Select(c => $"<th>{WebUtility.HtmlEncode(c)}</th>")).Append("</tr></thead><tbody>");
        if (steps.FirstOrDefault(step => step[MetricNames.Untrained] is not null) is { } untrained)
        {
            Row("random weights", untrained, MetricNames.Untrained, MetricNames.UntrainedByCategory);
        }
        if (evaluations[0].Step == 0)
        {
            Row("before training (warm start)", evaluations[0], MetricNames.HeldOut, MetricNames.HeldOutByCategory);
        }
        if (evaluations[^1].Step > 0)
        {
            Row($"after {evaluations[^1].Step} steps", evaluations[^1], MetricNames.HeldOut, MetricNames.HeldOutByCategory);
        }
        html.Append("</tbody></table></div>\n");

        void Row(string label, StepReport step, string all, string byCategory)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{label}</td>");
            foreach (var value in categories.Select(c => step[byCategory + c]).Prepend(step[all]))
            {
                html.Append("<td>").Append(value?.ToString("0.000", CultureInfo.InvariantCulture) ?? "").Append("</td>");
            }
            html.Append("</tr>");
        }
    }

    private static void Trajectories(StringBuilder html, int lastStep, IEnumerable<TrajectoryRecord> trajectories)
    {
        var choice = new TrajectoryChoice(lastStep);
        foreach (var trajectory in trajectories)
        {
            choice.Consider(trajectory);
        }
        var chosen = choice.Chosen.ToList();
        if (chosen.Count == 0)
        {
            return;
        }
        var turns = chosen.SelectMany(entry => entry.Trajectories).SelectMany(trajectory => trajectory.Turns).ToList();
        var largestGain = turns.Max(turn => Math.Max(Math.Abs(turn.InformationGain ?? 0), Math.Abs(turn.ProcessReward ?? 0)));
        var largestAdvantage = turns.Max(turn => Math.Abs(turn.Advantage ?? 0));
        html.Append("<h2>Trajectories</h2><p class=\"note\">Sampled while training. Gain: by how much the turn raised the policy's own probability of the right answer. Advantage: what the turn's tokens were trained with.</p>\n");
        foreach (var (time, records) in chosen)
        {
            html.Append(CultureInfo.InvariantCulture, $"<h3>{time}</h3>\n");
            foreach (var record in records)
            {
                html.Append(TrajectoryCard.Render(record, largestGain, largestAdvantage)).Append('\n');
            }
        }
    }
}
