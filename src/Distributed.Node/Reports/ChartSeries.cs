using Distributed.Node.Runs;

namespace Distributed.Node.Reports;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Written at its end.</param>
/// <param name="Colour">Number of its colour, from 1; see <see cref="ReportStyle"/>.</param>
/// <param name="Points">Step and value, steps ascending.</param>
/// <param name="Smooth">Draw a moving average in front of the values; for what is measured at every step and noisy.</param>
internal sealed record ChartSeries(string Name, int Colour, IReadOnlyList<(double X, double Y)> Points, bool Smooth)
{
    private const int MostPoints = 400;
    private const int Windows = 30;

    /// <summary>A metric over the steps that measured it.</summary>
    public static ChartSeries Of(IEnumerable<StepReport> steps, string metric, string name, int colour, bool smooth = true) => new(
        name,
        colour,
        [.. steps.Where(step => step[metric] is not null).Select(step => ((double)step.Step, step[metric]!.Value))],
        smooth);

    /// <summary>The values, averaged in even parts if there are very many.</summary>
    public IReadOnlyList<(double X, double Y)> Thinned()
    {
        if (Points.Count <= MostPoints)
        {
            return Points;
        }
        return [.. Enumerable.Range(0, MostPoints).Select(i =>
        {
            var (from, to) = (i * Points.Count / MostPoints, (i + 1) * Points.Count / MostPoints);
            var part = Points.Skip(from).Take(to - from).ToList();
            return (part.Average(p => p.X), part.Average(p => p.Y));
        })];
    }

    /// <summary>A centred moving average over about a thirtieth of the points.</summary>
    public IReadOnlyList<(double X, double Y)> Averaged()
    {
        var points = Thinned();
        var half = points.Count / Windows / 2 + 1;
        return [.. points.Select((point, i) =>
        {
            var (from, to) = (Math.Max(0, i - half), Math.Min(points.Count, i + half + 1));
            var sum = 0.0;
            for (var j = from; j < to; j++)
            {
                sum += points[j].Y;
            }
            return (point.X, sum / (to - from));
        })];
    }
}
