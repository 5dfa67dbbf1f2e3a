using System.Globalization;
using System.Net;
using System.Text;
using Distributed.Node.Comparison;

namespace Distributed.Node.CreditFiles;

/// <summary>The bias study as one picture: for each problem and depth, every method's expected gradient of stopping beside the true one.</summary>
internal static class BiasChart
{
    private const double Width = 1080;
    private const double Names = 180;
    private const double Row = 19;
    private const double Head = 92;
    private static readonly (StopVerdict Verdict, string Colour, string Says)[] Legend =
    [
        (StopVerdict.Exact, "m3", "exactly the true gradient"),
        (StopVerdict.SameSign, "m1", "biased, same direction"),
        (StopVerdict.Blind, "m5", "blind: no gradient where there is one"),
        (StopVerdict.Reversed, "m2", "reversed: pushes the wrong way"),
    ];

    /// <summary>The picture as a file of its own.</summary>
    public static string Render(IReadOnlyList<BiasRow> rows, int groupSize)
    {
        var problems = rows.GroupBy(row => row.Problem).ToArray();
        var block = 64 + problems[0].Count() * Row + 44;
        var height = Head + problems.Length * block;
        var svg = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-12 -8 {Width + 24:0} {height + 12:0}\" role=\"img\" aria-label=\"Bias of turn-level credit\"><style>{ChartStyle.Css}</style>");
        Text(svg, 0, 16, "Does the method know when to stop searching?", "title");
        Text(svg, 0, 36, string.Create(CultureInfo.InvariantCulture, $"Expected gradient of the logit of answering now, by exact enumeration, groups of {groupSize}. Left of 0: search more. Ticks: the true gradient of each method's target."), "quiet");
        Text(svg, 0, 53, "Methods that divide by a deviation carry a positive scale: their side of 0 counts, not their distance.", "quiet");
        var x = 0.0;
        foreach (var (_, colour, says) in Legend)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<g class=\"{colour}\"><circle class=\"dot\" cx=\"{x + 6:0.#}\" cy=\"73\" r=\"5\"/></g>");
            Text(svg, x + 17, 77, says, "");
            x += 42 + ChartFrame.WidthOf(says);
        }

        for (var i = 0; i < problems.Length; i++) Problem(svg, [.. problems[i]], Head + i * block);
        return svg.Append("</svg>\n").ToString();
    }

    private static void Problem(StringBuilder svg, IReadOnlyList<BiasRow> rows, double top)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<line class=\"rule\" x1=\"0\" x2=\"{Width:0}\" y1=\"{top + 8:0.#}\" y2=\"{top + 8:0.#}\"/>");
        Text(svg, 0, top + 32, rows[0].Problem.Name.Replace('_', ' '), "title");
        Text(svg, 0, top + 49, rows[0].Problem.Description, "quiet");
        for (var i = 0; i < rows.Count; i++)
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Names - 12:0.#}\" y=\"{top + 64 + (i + 0.5) * Row + 4:0.#}\" text-anchor=\"end\">{WebUtility.HtmlEncode(rows[i].Method.Name)}</text>");
        var wide = (Width - Names - 40) / 2;
        for (var depth = 0; depth < 2; depth++) Panel(svg, rows, depth, Names + depth * (wide + 40), top + 64, wide);
    }

    private static void Panel(StringBuilder svg, IReadOnlyList<BiasRow> rows, int depth, double left, double top, double width)
    {
        var height = rows.Count * Row;
        // A method far beyond all others, by its scale, is drawn at the edge with its number, or the others could not be told apart.
        var sizes = rows.Select(row => Math.Max(Math.Abs(row.Stop(depth)), Math.Abs(row.TrueStop(depth)))).OrderDescending().ToArray();
        var most = 1.12 * (sizes[0] > 2 * sizes[1] && sizes[1] > 0 ? sizes[1] : sizes[0]);
        double At(double value) => left + width / 2 + Math.Clamp(value / most, -1, 1) * width / 2;
        for (var i = 0; i < rows.Count; i++)
        {
            var y = top + (i + 0.5) * Row;
            Line(left, y, left + width, y, "rule");
        }

        Line(At(0), top, At(0), top + height, "base");
        for (var i = 0; i < rows.Count; i++)
        {
            var (row, y) = (rows[i], top + (i + 0.5) * Row);
            var colour = Legend.First(entry => entry.Verdict == row.Verdict(depth)).Colour;
            Line(At(row.TrueStop(depth)), y - 8, At(row.TrueStop(depth)), y + 8, "truth");
            if (Math.Abs(row.Stop(depth)) > most)
                svg.Append(CultureInfo.InvariantCulture, $"<text class=\"quiet\" x=\"{At(row.Stop(depth)) - Math.Sign(row.Stop(depth)) * 11:0.#}\" y=\"{y - 3:0.#}\" text-anchor=\"{(row.Stop(depth) > 0 ? "end" : "start")}\">{row.Stop(depth).ToString("+0.00;-0.00", CultureInfo.InvariantCulture)}, out of scale</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<g class=\"{colour}\"><line class=\"reach\" x1=\"{At(0):0.#}\" x2=\"{At(row.Stop(depth)):0.#}\" y1=\"{y:0.#}\" y2=\"{y:0.#}\"/><circle class=\"dot\" cx=\"{At(row.Stop(depth)):0.#}\" cy=\"{y:0.#}\" r=\"5\"><title>{row.Method.Name}: {row.Stop(depth):0.00000}, true {row.TrueStop(depth):0.00000}</title></circle></g>");
        }

        foreach (var value in new[] { -most / 1.12, 0, most / 1.12 })
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"quiet\" x=\"{At(value):0.#}\" y=\"{top + height + 16:0.#}\" text-anchor=\"middle\">{value.ToString("+0.00;-0.00;0", CultureInfo.InvariantCulture)}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"quiet\" x=\"{left + width / 2:0.#}\" y=\"{top + height + 32:0.#}\" text-anchor=\"middle\">at depth {depth}{(depth == 0 ? ": before any search" : ": after one search")}</text>");

        void Line(double x1, double y1, double x2, double y2, string style) =>
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"{style}\" x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\"/>");
    }

    private static void Text(StringBuilder svg, double x, double y, string text, string style) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"{style}\" x=\"{x:0.#}\" y=\"{y:0.#}\">{WebUtility.HtmlEncode(text)}</text>");
}
