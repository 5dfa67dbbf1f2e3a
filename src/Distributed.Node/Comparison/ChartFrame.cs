using System.Globalization;
using System.Net;
using System.Text;

namespace Distributed.Node.Comparison;

/// <summary>The plane of a chart: from values to places, with grid, axis numbers and titles.</summary>
internal sealed class ChartFrame
{
    private const double Head = 44;
    private const double Foot = 40;
    private readonly StringBuilder svg = new();

    /// <summary>An empty chart.</summary>
    public ChartFrame(string title, string meaning, double width, double height, double left, double right, (double Low, double High) x, (double Low, double High) y)
    {
        (Left, Width, Top, Height) = (left, width - left - right, Head, height - Head - Foot);
        (X, Y) = (x, y);
        svg.Append(CultureInfo.InvariantCulture, $"<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-6 -4 {width + 12:0} {height + 8:0}\" role=\"img\" aria-label=\"{Encode(title)}\">");
        Text(0, 14, title, "title", "start");
        Text(0, 31, meaning, "quiet", "start");
    }

    /// <summary>Place of the plane.</summary>
    public double Left { get; }

    /// <summary>Place of the plane.</summary>
    public double Top { get; }

    /// <summary>Size of the plane.</summary>
    public double Width { get; }

    /// <summary>Size of the plane.</summary>
    public double Height { get; }

    private (double Low, double High) X { get; }

    private (double Low, double High) Y { get; }

    /// <summary>Where a value lies from left to right.</summary>
    public double AtX(double value) => Left + (Math.Clamp(value, X.Low, X.High) - X.Low) / (X.High - X.Low) * Width;

    /// <summary>Where a value lies from top to bottom.</summary>
    public double AtY(double value) => Top + (Y.High - Math.Clamp(value, Y.Low, Y.High)) / (Y.High - Y.Low) * Height;

    /// <summary>Numbers and a name below the plane, with lines up through it if wanted.</summary>
    public ChartFrame XAxis(string name, int wanted, string format, bool lines)
    {
        foreach (var value in Ticks(X.Low, X.High, wanted))
        {
            if (lines) Line(AtX(value), Top, AtX(value), Top + Height, value == 0 && X.Low < 0 ? "base" : "rule");
            Text(AtX(value), Top + Height + 16, value.ToString(format, CultureInfo.InvariantCulture), "quiet", "middle");
        }
        Text(Left + Width / 2, Top + Height + 33, name, "quiet", "middle");
        return this;
    }

    /// <summary>Numbers and lines from left to right.</summary>
    public ChartFrame YAxis(int wanted, string format)
    {
        foreach (var value in Ticks(Y.Low, Y.High, wanted))
        {
            Line(Left, AtY(value), Left + Width, AtY(value), value == 0 ? "base" : "rule");
            Text(Left - 7, AtY(value) + 4, value.ToString(format, CultureInfo.InvariantCulture), "quiet", "end");
        }
        return this;
    }

    /// <summary>A straight line.</summary>
    public void Line(double x1, double y1, double x2, double y2, string style) =>
        svg.Append(CultureInfo.InvariantCulture, $"<line class=\"{style}\" x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\"/>");

    /// <summary>A text; <paramref name="anchor"/> is start, middle or end.</summary>
    public void Text(double x, double y, string text, string style, string anchor) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"{style}\" x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{Encode(text)}</text>");

    /// <summary>A dot that says what it stands for when pointed at.</summary>
    public void Dot(double x, double y, double radius, string style, string says) =>
        svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"{style}\" cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"{radius:0.#}\"><title>{Encode(says)}</title></circle>");

    /// <summary>A line through points of the plane.</summary>
    public void Path(IEnumerable<(double X, double Y)> points, string style, string dash = "") =>
        svg.Append("<polyline class=\"").Append(style).Append('"').Append(dash.Length > 0 ? $" stroke-dasharray=\"{dash}\"" : "").Append(" points=\"").AppendJoin(' ', points.Select(Place)).Append("\"/>");

    /// <summary>The area between two lines over the same places.</summary>
    public void Area(IReadOnlyList<(double X, double Y)> low, IReadOnlyList<(double X, double Y)> high, string style) =>
        svg.Append("<polygon class=\"").Append(style).Append("\" points=\"").AppendJoin(' ', low.Concat(high.Reverse()).Select(Place)).Append("\"/>");

    /// <summary>What follows has this style, until <see cref="End"/>.</summary>
    public void Begin(string style) => svg.Append("<g class=\"").Append(style).Append("\">");

    /// <summary>Ends what <see cref="Begin"/> began.</summary>
    public void End() => svg.Append("</g>");

    /// <summary>The chart as SVG.</summary>
    public string Close() => svg.Append("</svg>").ToString();

    /// <summary>About how wide a text is at 12 px.</summary>
    public static double WidthOf(string text) => text.Length * 6.9;

    /// <summary>Ends of an axis that holds values, with a little room.</summary>
    public static (double Low, double High) Fit(IEnumerable<double> values, bool withZero)
    {
        var all = values.ToList();
        if (withZero || all.Count == 0) all.Add(0);
        var (low, high) = (all.Min(), all.Max());
        var room = high > low ? (high - low) * 0.06 : Math.Max(0.5, Math.Abs(high) * 0.1);
        return (withZero && low == 0 ? 0 : low - room, withZero && high == 0 && low < 0 ? 0 : high + room);
    }

    // Round numbers (1, 2 or 5 times a power of ten), about as many as wanted.
    private static IEnumerable<double> Ticks(double low, double high, int wanted)
    {
        var rough = (high - low) / wanted;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = rough / power is var lead && lead < 1.5 ? power : lead < 3.5 ? 2 * power : lead < 7.5 ? 5 * power : 10 * power;
        for (var i = Math.Ceiling(low / step - 1e-9); i * step <= high + step * 1e-9; i++) yield return i == 0 ? 0 : i * step;
    }

    private static string Place((double X, double Y) point) => string.Create(CultureInfo.InvariantCulture, $"{point.X:0.#},{point.Y:0.#}");

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
