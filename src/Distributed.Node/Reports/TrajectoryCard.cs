using System.Globalization;
using System.Net;
using System.Text;
using Distributed.Node.Runs;

namespace Distributed.Node.Reports;

/// <summary>One trajectory, turn by turn: what the agent wrote and read, and its information gain and advantage as bars.</summary>
internal static class TrajectoryCard
{
    private const int LongestText = 1500;

    /// <summary>As an article; bars of all articles of a page share their scale.</summary>
    public static string Render(TrajectoryRecord trajectory, double largestGain, double largestAdvantage)
    {
        var html = new StringBuilder();
        var good = trajectory.Outcome == "correct";
        html.Append(CultureInfo.InvariantCulture, $"<article><header><span class=\"tag {(good ? "good" : "bad")}\">{Text(trajectory.Outcome.Replace('_', ' '))}</span>");
        html.Append(CultureInfo.InvariantCulture, $"<span>step {trajectory.Step}</span><span class=\"sub\">{Text(trajectory.Category)} · reward {trajectory.Reward:0.##} · policy version {trajectory.Version} · {Text(trajectory.ProblemId)}</span></header>");
        html.Append(CultureInfo.InvariantCulture, $"<p class=\"prompt\"><code>{Text(trajectory.Prompt)}</code></p>");
        if (trajectory.GoldenAnswers.Count > 0)
        {
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">right answer: {Text(string.Join(" or ", trajectory.GoldenAnswers))}</p>");
        }
        for (var i = 0; i < trajectory.Turns.Count; i++)
        {
            var turn = trajectory.Turns[i];
            html.Append(CultureInfo.InvariantCulture, $"<div class=\"turn\"><span class=\"n\">{i + 1}</span><div><p class=\"said\"><code>{Text(turn.Action)}</code></p>");
            if (turn.Observation is { } observation)
            {
                html.Append(CultureInfo.InvariantCulture, $"<p class=\"read{(turn.ToolError ? " error" : "")}\"><code>{Text(observation)}</code></p>");
            }
            html.Append("</div><div class=\"bars\">");
            Bar(html, "gain", turn.InformationGain, largestGain, "gain up", "loss", "0.000");
            Bar(html, "reward", turn.ProcessReward, largestGain, "gain up", "loss", "0.000");
            Bar(html, "advantage", turn.Advantage, largestAdvantage, "up", "down", "0.00");
            if (turn.ClipScale is { } clip && clip != 1)
            {
                html.Append(CultureInfo.InvariantCulture, $"<i>clip</i><i>range x {clip:0.00}</i><b></b>");
            }
            html.Append("</div></div>");
        }
        return html.Append("</article>").ToString();
    }

    private static void Bar(StringBuilder html, string name, double? value, double largest, string up, string down, string format)
    {
        if (value is not { } v)
        {
            return;
        }
        var width = Math.Min(50, Math.Abs(v) / Math.Max(largest, 1e-9) * 50);
        html.Append(CultureInfo.InvariantCulture, $"<i>{name}</i><div class=\"bar\"><u class=\"{(v >= 0 ? up : down)}\" style=\"width:{width:0.#}%\"></u></div>");
        html.Append("<b>").Append(v.ToString($"+{format};-{format};{format}", CultureInfo.InvariantCulture)).Append("</b>");
    }

    private static string Text(string text) =>
        WebUtility.HtmlEncode((text.Length > LongestText ? string.Concat(text.AsSpan(0, LongestText), " …") : text).Trim());
}
