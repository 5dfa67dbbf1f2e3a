namespace Distributed.Node.Runs;

/// <summary>What one training step did; a line of metrics.jsonl. Step 0 is the evaluation before training.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Version">Policy version after the step.</param>
/// <param name="Seconds">Time the run has taken so far, earlier lives of a resumed run included.</param>
/// <param name="Metrics">Values by name, see <see cref="MetricNames"/>. Not a number means: not measured.</param>
public sealed record StepReport(int Step, int TotalSteps, long Version, double Seconds, IReadOnlyDictionary<string, double> Metrics)
{
    /// <summary>A metric, or null if the step has not measured it.</summary>
    public double? this[string name] => Metrics.TryGetValue(name, out var value) && double.IsFinite(value) ? value : null;
}
