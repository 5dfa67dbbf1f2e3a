using Distributed.Node.Runs;

namespace Distributed.Node.Comparison;

/// <summary>A finished run's metrics over its steps.</summary>
/// <param name="Run">The run.</param>
/// <param name="Steps">Its steps, ascending.</param>
internal sealed record RunCurve(PlannedRun Run, IReadOnlyList<StepReport> Steps)
{
    /// <summary>Greedy held-out success after the last step.</summary>
    public double Final => Evaluations[^1].Success;

    /// <summary>Mean greedy held-out success over training: area under the curve divided by its steps.</summary>
    public double Area
    {
        get
        {
            var points = Evaluations;
            if (points.Count == 1) return points[0].Success;
            double area = 0;
            for (var i = 1; i < points.Count; i++) area += (points[i].Step - points[i - 1].Step) * (points[i].Success + points[i - 1].Success) / 2;
            return area / (points[^1].Step - points[0].Step);
        }
    }

    /// <summary>The evaluations.</summary>
    public IReadOnlyList<(int Step, double Success)> Evaluations => [.. Of(MetricNames.HeldOut)];

    /// <summary>Final success by category, categories in the order of their names.</summary>
    public IEnumerable<(string Category, double Success)> FinalByCategory => Steps.Last(step => step[MetricNames.HeldOut] is not null).Metrics
        .Where(metric => metric.Key.StartsWith(MetricNames.HeldOutByCategory, StringComparison.Ordinal))
        .OrderBy(metric => metric.Key, StringComparer.Ordinal)
        .Select(metric => (metric.Key[MetricNames.HeldOutByCategory.Length..], metric.Value));

    /// <summary>Seconds the run took.</summary>
    public double Seconds => Steps[^1].Seconds;

    /// <summary>A metric at the steps that measured it.</summary>
    public IEnumerable<(int Step, double Value)> Of(string metric) => Steps.Where(step => step[metric] is not null).Select(step => (step.Step, step[metric]!.Value));

    /// <summary>Reads a finished run's folder.</summary>
    /// <exception cref="RefusedException">The folder's metrics are broken.</exception>
    public static RunCurve Read(PlannedRun run, string folder)
    {
        var steps = MetricsLog.Read(RunFolder.MetricsOf(folder));
        return steps.Any(step => step[MetricNames.HeldOut] is not null)
            ? new RunCurve(run, steps)
            : throw new RefusedException($"{RunFolder.MetricsOf(folder)}: has no held-out evaluation; remove the folder, then the run is done again");
    }
}
