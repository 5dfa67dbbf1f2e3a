using System.Globalization;

namespace Distributed.Node.Comparison;

/// <summary>A row of a forest chart.</summary>
/// <param name="Name">What it is about.</param>
/// <param name="Style">Its colour.</param>
/// <param name="Interval">Mean and interval.</param>
/// <param name="Seeds">The values behind it.</param>
/// <param name="Says">Written at its right.</param>
internal sealed record ForestRow(string Name, MethodStyle Style, Interval Interval, IReadOnlyList<double> Seeds, string Says);

/// <summary>Means with intervals and the seeds behind them, a row for each method.</summary>
internal sealed record ForestChart(string Title, string Meaning, string Axis, IReadOnlyList<ForestRow> Rows)
{
    private const double RowHeight = 26;

    /// <summary>Width in pixels.</summary>
    public double Width { get; init; } = 1040;

    /// <summary>Zero belongs on the axis: the values are differences.</summary>
    public bool WithZero { get; init; }

    /// <summary>The chart as SVG.</summary>
    public string Render()
    {
        var height = 84 + RowHeight * Rows.Count;
        var left = 12 + Rows.Max(row => ChartFrame.WidthOf(row.Name));
        var right = 14 + Rows.Max(row => ChartFrame.WidthOf(row.Says));
        var range = ChartFrame.Fit(Rows.SelectMany(row => row.Seeds.Append(row.Interval.Low).Append(row.Interval.High)), WithZero);
        var frame = new ChartFrame(Title, Meaning, Width, height, left, right, Widen(range), (0, Rows.Count)).XAxis(Axis, 6, WithZero ? "+0.###;-0.###;0" : "0.###", lines: true);
        for (var i = 0; i < Rows.Count; i++)
        {
            var row = Rows[i];
            var y = frame.Top + (i + 0.5) * RowHeight;
            frame.Text(left - 10, y + 4, row.Name, "", "end");
            frame.Begin(row.Style.Colour);
            foreach (var seed in row.Seeds) frame.Dot(frame.AtX(seed), y, 3.2, "seed", string.Create(CultureInfo.InvariantCulture, $"{row.Name}: {seed:0.000}"));
            frame.Line(frame.AtX(row.Interval.Low), y, frame.AtX(row.Interval.High), y, "bar");
            frame.Dot(frame.AtX(row.Interval.Mean), y, 5.2, "dot", string.Create(CultureInfo.InvariantCulture, $"{row.Name}: mean {row.Interval.Mean:0.000}"));
            frame.End();
            frame.Text(frame.Left + frame.Width + 12, y + 4, row.Says, "quiet", "start");
        }

        return frame.Close();
    }

    // A difference of a thousandth must not look like a cliff.
    private (double Low, double High) Widen((double Low, double High) range)
    {
        const double Least = 0.02;
        var (low, high) = (WithZero ? range.Low : Math.Max(0, range.Low), WithZero ? range.High : Math.Min(1, range.High)); // a share is none below 0 or above 1
        var room = Math.Max(0, Least - (high - low)) / 2;
        return (low - room, high + room);
    }
}
