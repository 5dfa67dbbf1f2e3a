using System.Globalization;
using System.Net;
using System.Text;
using Distributed.Node.Comparison;
using Distributed.Node.Reports;
using Distributed.Simulation.Scaling;

namespace Distributed.Node.Simulation;

/// <summary>report.html of a scaling experiment: charts over the number of nodes, the table and the cost model, on one page that needs nothing else.</summary>
internal static class ScalingPage
{
    /// <summary>The page.</summary>
    public static string Render(IReadOnlyList<ScalingResult> results, string costs)
    {
        var groups = new List<List<ScalingResult>>();
        foreach (var result in results)
        {
            var group = groups.Find(known => ScalingTable.Same(known[0].Case, result.Case) && known.TrueForAll(other => other.Case.Nodes != result.Case.Nodes));
            if (group == null) groups.Add([result]);
            else group.Add(result);
        }

        var html = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Scaling</title>");
        html.Append("<style>").Append(ReportStyle.Css).Append('\n').Append(ChartStyle.Css).Append("\nfigure svg.chart { background: none } th, td { padding: 4px 7px 4px 0; font-size: 12.5px } td:nth-child(2) { white-space: nowrap } pre { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px }</style></head><body><main>\n");
        var first = results[0].Case;
        html.Append(CultureInfo.InvariantCulture, $"<h1>Scaling</h1><p class=\"sub\">{first.Nodes} to {results.Max(r => r.Case.Nodes)} rollout nodes, {first.GroupSize} samples a prompt, {first.Steps} steps; predicted by the simulator from the cost model below</p>\n");
        html.Append("<p class=\"chart\">");
        for (var index = 0; index < groups.Count; index++)
            html.Append(CultureInfo.InvariantCulture, $"<span class=\"m{1 + (index % 8)}\" style=\"white-space: nowrap; margin-right: 18px\">&#9679; {WebUtility.HtmlEncode(ScalingTable.Series(groups[index][^1]))}</span> ");
        html.Append("</p>\n<div class=\"charts\">");
        html.Append(Chart("Throughput", "rollouts trained on an hour", groups, r => r.RolloutsPerHour, "0"));
        html.Append(Chart("Efficiency", "throughput for each node, against the first size", groups, r => ScalingTable.Efficiency(r, results), "0%"));
        html.Append(Chart("Seconds a step", "lower is faster", groups, r => r.SecondsPerStep, "0"));
        html.Append(Chart("Learner busy", "part of the time it trains", groups, r => r.LearnerBusy, "0%"));
        html.Append(Chart("Rollout places busy", "part of the episode places that sample", groups, r => r.RolloutBusy, "0%"));
        html.Append(Chart("Learner's uplink busy", "part of the time it sends weights", groups, r => r.UploadBusy, "0%"));
        html.Append(Chart("Hours for 1,000 steps", "steps lost to failures included", groups, r => r.HoursTo(1000), "0"));
        html.Append(Chart("Age of samples", "mean, versions", groups, r => r.StalenessMean, "0.0"));
        html.Append("</div><h2>Numbers</h2><div class=\"scroll\"><table><tr><th>nodes</th><th>settings</th><th>s/step</th><th>rollouts/h</th><th>efficiency</th><th>rollout</th><th>scorer</th><th>learner</th><th>upload</th><th>ages</th><th>failures</th><th>lost steps</th><th>h/1,000 steps</th><th>waits for</th></tr>");
        foreach (var r in results)
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{r.Case.Nodes}</td><td>{WebUtility.HtmlEncode(ScalingTable.Series(r))}</td><td>{r.SecondsPerStep:0.0}</td><td>{r.RolloutsPerHour:0}</td><td>{ScalingTable.Efficiency(r, results):0%}</td><td>{r.RolloutBusy:0%}</td><td>{r.ScorerBusy:0%}</td><td>{r.LearnerBusy:0%}</td><td>{r.UploadBusy:0%}</td><td>{r.StalenessShares}</td><td>{r.Failures}</td><td>{r.StepsLost}</td><td>{r.HoursTo(1000):0.0}</td><td>{r.Bottleneck}</td></tr>");
        html.Append("</table></div><h2>Cost model</h2><pre><code>").Append(WebUtility.HtmlEncode(costs)).Append("</code></pre></main></body></html>\n");
        return html.ToString();
    }

    private static string Chart(string title, string meaning, List<List<ScalingResult>> groups, Func<ScalingResult, double> value, string format)
    {
        var all = groups.SelectMany(group => group).ToArray();
        var (low, high) = (Math.Log2(all.Min(r => r.Case.Nodes)), Math.Log2(all.Max(r => r.Case.Nodes)));
        var frame = new ChartFrame(title, meaning, 505, 260, 60, 14, (low - 0.2, Math.Max(high, low + 1) + 0.2), ChartFrame.Fit(all.Select(value).Where(double.IsFinite), withZero: true));
        frame.YAxis(4, format);
        foreach (var nodes in all.Select(r => r.Case.Nodes).Distinct())
            frame.Text(frame.AtX(Math.Log2(nodes)), frame.Top + frame.Height + 16, nodes.ToString(CultureInfo.InvariantCulture), "quiet", "middle");
        frame.Text(frame.Left + (frame.Width / 2), frame.Top + frame.Height + 33, "rollout nodes", "quiet", "middle");
        for (var index = 0; index < groups.Count; index++)
        {
            frame.Begin($"m{1 + (index % 8)}");
            var points = groups[index].Where(r => double.IsFinite(value(r))).Select(r => (X: frame.AtX(Math.Log2(r.Case.Nodes)), Y: frame.AtY(value(r)), Result: r)).ToArray();
            frame.Path(points.Select(point => (point.X, point.Y)), "curve");
            foreach (var (x, y, result) in points)
                frame.Dot(x, y, 3.5, "dot", string.Create(CultureInfo.InvariantCulture, $"{result.Case.Nodes} nodes, {ScalingTable.Series(result)}: {value(result):0.###}"));
            frame.End();
        }

        return $"<figure>{frame.Close()}</figure>";
    }
}
