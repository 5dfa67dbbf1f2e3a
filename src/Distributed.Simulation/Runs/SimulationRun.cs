using Distributed.Simulation.Faults;
using Distributed.Simulation.Host;
using Distributed.Simulation.Planted;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Runs;

/// <summary>How a simulated run went.</summary>
/// <param name="Plan">What was run.</param>
/// <param name="Violation">The first broken promise, or null.</param>
/// <param name="TraceHash">Hash of everything that happened.</param>
/// <param name="FinalWeights">Hash of the final weights; null if the run did not get there.</param>
/// <param name="VirtualTime">Virtual time it took.</param>
/// <param name="Activations">Messages actors handled.</param>
/// <param name="Counters">Faults met and recovery paths taken.</param>
/// <param name="Story">What happened.</param>
public sealed record SimulationOutcome(
    FaultPlan Plan,
    Violation? Violation,
    string TraceHash,
    ulong? FinalWeights,
    TimeSpan VirtualTime,
    long Activations,
    IReadOnlyDictionary<string, long> Counters,
    IReadOnlyList<StoryLine> Story)
{
    /// <summary>The run kept every promise.</summary>
    public bool Passed => Violation == null;
}

/// <summary>
/// One plan, run to its end: a safety phase with faults, then everything heals, then the run must finish. Whoever runs the cluster starts a learner again that has given up, as an
/// orchestrator does.
/// </summary>
public static class SimulationRun
{
    /// <summary>Virtual time a healed cluster has to finish.</summary>
    public static TimeSpan LivenessBound { get; } = TimeSpan.FromSeconds(240);

    private static readonly TimeSpan OperatorDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(15); // a lease's time, a download's, and the work done again
    private static readonly TimeSpan LastGiveUp = TimeSpan.FromSeconds(60);
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<TrainingShape, ulong> Undisturbed = [];

    /// <summary>Runs a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="details">Tell small things too.</param>
    public static SimulationOutcome Of(FaultPlan plan, bool details = false)
    {
        var outcome = Run(plan, details);
        if (outcome.Violation != null || plan.Shape.MaxStalenessSteps > 0 || ChangesWhatIsTrained(outcome)) return outcome;
        var expected = UndisturbedWeights(plan.Shape);
        return outcome.FinalWeights == expected ? outcome : outcome with
        {
            Violation = new Violation("a synchronous run ends with the weights of an undisturbed one",
                $"the final weights are {HashPolicy.Name(outcome.FinalWeights ?? 0)}, those of an undisturbed run {HashPolicy.Name(expected)}", outcome.VirtualTime),
        };
    }

    /// <summary>Final weights of a synchronous run without faults; they depend on neither nodes nor timing, so one run serves all.</summary>
    public static ulong UndisturbedWeights(TrainingShape shape) => Undisturbed.GetOrAdd(shape.WhatDecidesTheWeights(), plain =>
    {
        var run = Run(new FaultPlan { Seed = 1, Shape = plain, HealAt = 0 }, details: false);
        return run.FinalWeights ?? throw new InvalidOperationException($"the undisturbed run failed: {run.Violation}");
    });

    private static SimulationOutcome Run(FaultPlan plan, bool details)
    {
        using var host = new SimulationHost(plan.Seed, plan.NewOrder());
        var journal = new RunJournal(host, details);
        var done = false;
        SimulatedCluster? cluster = null;
        cluster = new SimulatedCluster(host, journal, plan.Shape, PlantedBugs.Of(plan.Planted), error =>
        {
            done = error == null;
            if (!done) StartLearnerAgain(cluster!, journal, plan);
        });
        foreach (var node in cluster.Nodes.ToArray()) cluster.Start(node);
        new FaultInjection(cluster, journal).Schedule(plan);
        var limit = TimeSpan.FromSeconds(plan.HealAt) + LivenessBound;
        if (!host.RunUntil(() => done || journal.Violation != null, limit)) journal.Violate("liveness", Waiting(cluster));
        if (journal.Violation == null) host.RunUntil(() => journal.Violation != null, host.Now + TimeSpan.FromSeconds(3)); // nothing may happen after the end
        return new SimulationOutcome(
            plan, journal.Violation, journal.TraceHash, done ? Newest(cluster) : null, host.Now, host.Steps,
            new SortedDictionary<string, long>(journal.Counters.ToDictionary(), StringComparer.Ordinal), journal.Story);
    }

    private static ulong? Newest(SimulatedCluster cluster) =>
        cluster.LearnerNode.Disk.Newest(static _ => { }) is { } checkpoint ? HashPolicy.FromBytes(checkpoint.Weights.Span) : null;

    private static void StartLearnerAgain(SimulatedCluster cluster, RunJournal journal, FaultPlan plan)
    {
        if (cluster.Host.Now > TimeSpan.FromSeconds(plan.HealAt) + LastGiveUp)
            journal.Violate("liveness", $"the run was given up long after everything had healed: {cluster.History.Error}");
        if (cluster.Host.Now > TimeSpan.FromSeconds(plan.HealAt) + Recovery && !journal.Counters.Keys.Any(MayHangForEver))
            journal.Violate("liveness", $"a healthy cluster made no progress: {cluster.History.Error}");
        var process = cluster.LearnerNode.Process;
        cluster.Host.After(OperatorDelay, () =>
        {
            if (cluster.LearnerNode.Process != process) return;
            journal.Count("path:learner-started-by-operator");
            cluster.Kill(cluster.LearnerNode);
            cluster.Start(cluster.LearnerNode);
        });
    }

    // What has no deadline of its own ends in the stall time-out, by design.
    private static bool MayHangForEver(string counter) => counter is "fault:disk-hang" or "fault:engine-hang:train" or "fault:engine-hang:read" or "fault:engine-hang:load";

    private static string Waiting(SimulatedCluster cluster)
    {
        var down = cluster.Nodes.Where(node => node.Process == null && !node.HasLeft).Select(node => node.Id.Value).ToArray();
        return $"the run did not end within {LivenessBound.TotalSeconds:0} s of virtual time after everything had healed: {cluster.Rules?.DescribeWaits() ?? "the learner has no life"}"
            + (down.Length > 0 ? $"; down: {string.Join(", ", down)}" : "");
    }

    // Faults that change what is trained on, rightly: then the weights are others.
    private static bool ChangesWhatIsTrained(SimulationOutcome outcome) => outcome.Counters.Keys.Any(key =>
        key is "fault:nan-loss" or "fault:nan-score" or "fault:tool-throws" or "fault:tool-hang" or "fault:slow-tool" or "fault:tool-late" or "path:scoring-given-up"
        || key.StartsWith("path:dropped:", StringComparison.Ordinal));
}
