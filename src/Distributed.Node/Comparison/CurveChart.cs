using System.Globalization;

namespace Distributed.Node.Comparison;

/// <summary>A point of a curve with its interval over seeds.</summary>
internal readonly record struct BandPoint(double X, double Mean, double Low, double High);

/// <summary>A curve of a chart.</summary>
/// <param name="Name">Written at its end; empty for none.</param>
/// <param name="Style">Colour and dash.</param>
/// <param name="Points">Its points, X ascending.</param>
internal sealed record ChartCurve(string Name, MethodStyle Style, IReadOnlyList<BandPoint> Points)
{
    /// <summary>Draw the interval as a band.</summary>
    public bool Band { get; init; } = true;

    /// <summary>A thin grey line to compare with.</summary>
    public bool Faint { get; init; }
}

/// <summary>Curves over training steps with bands, names at their ends.</summary>
internal sealed record CurveChart(string Title, string Meaning, IReadOnlyList<ChartCurve> Curves)
{
    private const double Left = 40;
    private const double LabelGap = 14;

    /// <summary>Width in pixels.</summary>
    public double Width { get; init; } = 1040;

    /// <summary>Height in pixels.</summary>
    public double Height { get; init; } = 380;

    /// <summary>Fixed ends of the value axis; otherwise the values decide.</summary>
    public (double Low, double High)? Range { get; init; }

    /// <summary>How values are written on the axis.</summary>
    public string Format { get; init; } = "0.##";

    /// <summary>Last step.</summary>
    public required double LastStep { get; init; }

    /// <summary>The chart as SVG.</summary>
    public string Render()
    {
        var named = Curves.Where(curve => curve is { Name.Length: > 0, Points.Count: > 0 }).ToList();
        var right = named.Count == 0 ? 12 : 48 + named.Max(curve => ChartFrame.WidthOf(curve.Name));
        var range = Range ?? ChartFrame.Fit(Curves.SelectMany(curve => curve.Points).SelectMany(point => new[] { point.Low, point.High }), withZero: true);
        var frame = new ChartFrame(Title, Meaning, Width, Height, Left, right, (0, Math.Max(1, LastStep)), range)
            .YAxis(Height > 300 ? 6 : 4, Format)
            .XAxis("training steps", Width > 600 ? 10 : 4, "0", lines: false);
        foreach (var curve in Curves.Where(curve => curve.Points.Count > 0).OrderBy(curve => !curve.Faint)) Draw(frame, curve);
        Names(frame, named);
        return frame.Close();
    }

    private static void Draw(ChartFrame frame, ChartCurve curve)
    {
        var line = At(frame, curve.Points, point => point.Mean);
        if (curve.Faint)
        {
            frame.Path(line, "faint", curve.Style.Dash);
            return;
        }

        frame.Begin(curve.Style.Colour);
        if (curve.Band) frame.Area(At(frame, curve.Points, point => point.Low), At(frame, curve.Points, point => point.High), "band");
        frame.Path(line, "curve", curve.Style.Dash);
        if (curve.Points.Count <= 30)
        {
            foreach (var point in curve.Points)
                frame.Dot(frame.AtX(point.X), frame.AtY(point.Mean), 2.4, "dot", string.Create(CultureInfo.InvariantCulture, $"{curve.Name} step {point.X:0}: {point.Mean:0.000} ({point.Low:0.000} to {point.High:0.000})"));
        }

        frame.End();
    }

    // Names at the line ends, pushed apart where they would lie on each other, each with a lead to its line.
    private static void Names(ChartFrame frame, List<ChartCurve> curves)
    {
        var ends = curves.OrderBy(curve => frame.AtY(curve.Points[^1].Mean)).ToArray();
        var places = ends.Select(curve => frame.AtY(curve.Points[^1].Mean)).ToArray();
        for (var i = 1; i < places.Length; i++) places[i] = Math.Max(places[i], places[i - 1] + LabelGap);
        var lowest = frame.Top + frame.Height + 4;
        for (var i = places.Length - 1; i >= 0; i--)
        {
            places[i] = Math.Min(places[i], lowest);
            lowest = places[i] - LabelGap;
        }

        for (var i = 0; i < ends.Length; i++)
        {
            var end = (X: frame.AtX(ends[i].Points[^1].X), Y: frame.AtY(ends[i].Points[^1].Mean));
            frame.Path([(end.X + 4, end.Y), (end.X + 10, places[i]), (end.X + 14, places[i])], "lead");
            frame.Begin(ends[i].Style.Colour);
            frame.Path([(end.X + 16, places[i]), (end.X + 40, places[i])], "curve", ends[i].Style.Dash);
            frame.Text(end.X + 46, places[i] + 4, ends[i].Name, "own", "start");
            frame.End();
        }
    }

    private static IReadOnlyList<(double X, double Y)> At(ChartFrame frame, IReadOnlyList<BandPoint> points, Func<BandPoint, double> value) =>
        [.. points.Select(point => (frame.AtX(point.X), frame.AtY(value(point))))];
}
