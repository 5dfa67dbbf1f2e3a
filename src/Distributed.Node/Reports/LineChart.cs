using System.Globalization;
using System.Net;
using System.Text;

namespace Distributed.Node.Reports;

/// <summary>A horizontal line to compare with.</summary>
internal sealed record ReferenceLine(double Y, string Name);

/// <summary>A line chart as inline SVG: few grid lines, names at the line ends, steps from left to right.</summary>
internal sealed record LineChart(string Title, string Meaning, IReadOnlyList<ChartSeries> Series)
{
    private const double Top = 12, Bottom = 24, Left = 44;
    private const double LabelGap = 13;

    /// <summary>Fixed ends of the value axis; otherwise the values decide, with 0 inside.</summary>
    public (double Low, double High)? Range { get; init; }

    /// <summary>How values are written on the axis.</summary>
    public string Format { get; init; } = "0.##";

    /// <summary>Lines to compare with.</summary>
    public IReadOnlyList<ReferenceLine> References { get; init; } = [];

    /// <summary>Drawn over the whole width of the page.</summary>
    public bool Wide { get; init; }

    /// <summary>Last step of the run.</summary>
    public required double LastStep { get; init; }

    /// <summary>There is something to draw.</summary>
    public bool HasValues => Series.Any(series => series.Points.Count > 0);

    /// <summary>The chart as a figure.</summary>
    public string Render()
    {
        var (width, height) = Wide ? (1040.0, 330.0) : (505.0, 200.0);
        var right = Series.Count + References.Count > 1 ? (Wide ? 150 : 92) : 18.0;
        var (low, high) = Range ?? Fit();
        var plot = new Plot(Left, Top, width - Left - right, height - Top - Bottom, Math.Max(1, LastStep), low, high);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width:0} {height:0}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(Title)}\">");
        Axes(svg, plot);
        var labels = new List<(double Y, string Text, string Class)>();
        foreach (var reference in References)
        {
            var y = plot.Y(reference.Y);
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"ref\" x1=\"{plot.Left:0.#}\" x2=\"{plot.Left + plot.Width:0.#}\" y1=\"{y:0.#}\" y2=\"{y:0.#}\"/>");
            labels.Add((y, string.Create(CultureInfo.InvariantCulture, $"{reference.Name} {reference.Y.ToString(Format, CultureInfo.InvariantCulture)}"), "muted"));
        }
        foreach (var series in Series.Where(series => series.Points.Count > 0))
        {
            Draw(svg, plot, series);
            var end = (series.Smooth ? series.Averaged() : series.Thinned())[^1];
            labels.Add((plot.Y(end.Y), series.Name, string.Create(CultureInfo.InvariantCulture, $"t{series.Colour}")));
        }
        if (labels.Count > 1)
        {
            Labels(svg, plot, labels);
        }
        svg.Append("</svg>");
        return $"<figure{(Wide ? " class=\"wide\"" : "")}><figcaption><b>{WebUtility.HtmlEncode(Title)}</b> <span>{WebUtility.HtmlEncode(Meaning)}</span></figcaption>{svg}</figure>";
    }

    private (double Low, double High) Fit()
    {
        var values = Series.SelectMany(series => series.Smooth ? series.Averaged() : series.Thinned()).Select(p => p.Y).Concat(References.Select(r => r.Y)).DefaultIfEmpty(0).ToList();
        var (low, high) = (Math.Min(0, values.Min()), Math.Max(0, values.Max()));
        var room = high > low ? (high - low) * 0.08 : 1;
        return (low < 0 ? low - room : 0, high > 0 || low == 0 ? high + room : 0);
    }

    private void Axes(StringBuilder svg, Plot plot)
    {
        foreach (var value in Ticks(plot.Low, plot.High, Wide ? 5 : 4))
        {
            var y = plot.Y(value);
            var zero = value == 0 ? " class=\"zero\"" : " class=\"grid\"";
            svg.Append(CultureInfo.InvariantCulture, $"<line{zero} x1=\"{plot.Left:0.#}\" x2=\"{plot.Left + plot.Width:0.#}\" y1=\"{y:0.#}\" y2=\"{y:0.#}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"muted\" text-anchor=\"end\" x=\"{plot.Left - 7:0.#}\" y=\"{y + 4:0.#}\">{Axis(value)}</text>");
        }
        foreach (var step in Ticks(0, plot.LastStep, Wide ? 8 : 4).Where(step => step == Math.Floor(step)))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"muted\" text-anchor=\"middle\" x=\"{plot.X(step):0.#}\" y=\"{plot.Top + plot.Height + 17:0.#}\">{step:0}</text>");
        }
    }

    private static void Draw(StringBuilder svg, Plot plot, ChartSeries series)
    {
        if (series.Points.Count == 1)
        {
            var only = series.Points[0];
            svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"f{series.Colour}\" cx=\"{plot.X(only.X):0.#}\" cy=\"{plot.Y(only.Y):0.#}\" r=\"3.5\"/>");
            return;
        }
        if (series.Smooth)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"raw s{series.Colour}\" points=\"{Path(series.Thinned(), plot)}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"line s{series.Colour}\" points=\"{Path(series.Averaged(), plot)}\"/>");
            return;
        }
        svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"line s{series.Colour}\" points=\"{Path(series.Thinned(), plot)}\"/>");
        if (series.Points.Count <= 60)
        {
            foreach (var (x, y) in series.Points)
            {
                svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"f{series.Colour}\" cx=\"{plot.X(x):0.#}\" cy=\"{plot.Y(y):0.#}\" r=\"3\"><title>step {x:0}: {y:0.###}</title></circle>");
            }
        }
    }

    // Names at the line ends, pushed apart where they would lie on each other.
    private static void Labels(StringBuilder svg, Plot plot, List<(double Y, string Text, string Class)> labels)
    {
        labels.Sort((a, b) => a.Y.CompareTo(b.Y));
        var places = labels.Select(label => label.Y).ToArray();
        for (var i = 1; i < places.Length; i++)
        {
            places[i] = Math.Max(places[i], places[i - 1] + LabelGap);
        }
        var lowest = plot.Top + plot.Height;
        for (var i = places.Length - 1; i >= 0; i--)
        {
            places[i] = Math.Min(places[i], lowest);
            lowest = places[i] - LabelGap;
        }
        for (var i = 0; i < places.Length; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"{labels[i].Class}\" x=\"{plot.Left + plot.Width + 8:0.#}\" y=\"{places[i] + 4:0.#}\">{WebUtility.HtmlEncode(labels[i].Text)}</text>");
        }
    }

    private string Axis(double value) => Math.Abs(value) >= 10_000
        ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.#}k")
        : value.ToString(value != 0 && Math.Abs(value) < 0.001 ? "0.#e+0" : Format, CultureInfo.InvariantCulture);

    private static string Path(IEnumerable<(double X, double Y)> points, Plot plot) =>
        string.Join(' ', points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{plot.X(p.X):0.#},{plot.Y(p.Y):0.#}")));

    // Round numbers (1, 2 or 5 times a power of ten), about as many as wanted.
    private static IEnumerable<double> Ticks(double low, double high, int wanted)
    {
        var rough = (high - low) / wanted;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = rough / power is var lead && lead < 1.5 ? power : lead < 3.5 ? 2 * power : lead < 7.5 ? 5 * power : 10 * power;
        for (var i = Math.Ceiling(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
        {
            yield return i == 0 ? 0 : i * step;
        }
    }

    private sealed record Plot(double Left, double Top, double Width, double Height, double LastStep, double Low, double High)
    {
        public double X(double step) => Left + step / LastStep * Width;

        public double Y(double value) => Top + (High - Math.Clamp(value, Low, High)) / (High - Low) * Height;
    }
}
