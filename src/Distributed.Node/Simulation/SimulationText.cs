using System.Globalization;
using System.Text;
using Distributed.Simulation.Faults;
using Distributed.Simulation.Runs;

namespace Distributed.Node.Simulation;

/// <summary>Plans, stories and results for a terminal.</summary>
internal static class SimulationText
{
    /// <summary>What a run will do.</summary>
    public static string Plan(FaultPlan plan)
    {
        var shape = plan.Shape;
        var text = new StringBuilder();
        text.AppendLine(Line($"seed {plan.Seed}: {shape.RolloutNodes} rollout nodes x {shape.Capacity}, {shape.Scorers} scorers x {shape.ScorerCapacity}, {shape.Steps} steps of {shape.PromptsPerStep} x {shape.GroupSize}, {Staleness(shape)}, checkpoint {Every(shape.CheckpointEverySteps)}, order {plan.Order}"));
        if (plan.Planted != null) text.AppendLine(Line($"planted bug: {plan.Planted}"));
        foreach (var fault in plan.Faults) text.AppendLine(Line($"  {fault}"));
        text.Append(Line($"  {plan.HealAt,7:0.00} s  everything heals"));
        return text.ToString();
    }

    /// <summary>What happened, in order.</summary>
    public static string Story(SimulationOutcome outcome)
    {
        var text = new StringBuilder();
        foreach (var line in outcome.Story) text.AppendLine(Line($"{line.At.TotalSeconds,9:0.000} s  {line.Node,-12} {(line.IsDetail ? "  " : "")}{line.Text}"));
        return text.ToString();
    }

    /// <summary>How it ended.</summary>
    public static string Result(SimulationOutcome outcome)
    {
        var head = outcome.Violation is { } violation ? $"BROKEN: {violation.Invariant}: {violation.Text}" : "every promise was kept";
        var paths = string.Join(", ", outcome.Counters.Where(counter => counter.Key.StartsWith("path:", StringComparison.Ordinal) && counter.Key != "path:policy-published").Select(counter => $"{counter.Key[5..]} {counter.Value}"));
        return Line($"{head}\n{outcome.VirtualTime.TotalSeconds:0.0} s of virtual time, {outcome.Activations} messages, trace {outcome.TraceHash}{(paths.Length > 0 ? $"\nrecovered by: {paths}" : "")}");
    }

    /// <summary>What many seeds came to.</summary>
    public static string Sweep(SeedSweep sweep, TimeSpan wall)
    {
        var text = new StringBuilder();
        text.AppendLine(Line($"{sweep.Runs} seeds, {sweep.Failures.Count} broke a promise; {wall.TotalSeconds:0.0} s, {sweep.Activations} messages, {sweep.NodeHours / wall.TotalSeconds:0.00} virtual node-hours a second"));
        foreach (var counter in sweep.Counters) text.AppendLine(Line($"  {counter.Key,-36} {counter.Value,9}"));
        return text.ToString();
    }

    private static string Staleness(TrainingShape shape) => shape.MaxStalenessSteps == 0 ? "synchronous" : Line($"staleness {shape.MaxStalenessSteps}{(shape.PartialRollout ? ", partial rollouts" : "")}");

    private static string Every(long steps) => steps == 0 ? "at the end" : steps == 1 ? "every step" : Line($"every {steps} steps");

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
