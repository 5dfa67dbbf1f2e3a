using Distributed.Actors.Weights;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Invariants;

/// <summary>What each node's process holds: weights that only get newer, and no more sequences than it may.</summary>
public sealed class WorkerViews(RunJournal journal, TrainingShape shape)
{
    private readonly Dictionary<SimulatedProcess, (long Epoch, long Version)> _applied = [];

    /// <summary>A role has heard of the weights its engine has.</summary>
    public void Applied(SimulatedProcess process, WeightsApplied weights)
    {
        var now = (weights.Epoch.Value, weights.Version.Value);
        if (_applied.TryGetValue(process, out var before) && now.CompareTo(before) < 0)
            journal.Violate(now.Item1 < before.Epoch ? "a stale epoch is never applied" : "versions only go up",
                $"{process.Root} applied epoch {now.Item1} version {now.Item2} after epoch {before.Epoch} version {before.Version}");
        else _applied[process] = now;
    }

    /// <summary>Looks at what an engine holds.</summary>
    public void Check(SimulatedNode node)
    {
        if (node is { Kind: NodeKind.Rollout, Engine: { } engine, Process.IsAlive: true } && engine.OpenSequences > Bound)
            journal.Violate("buffers", $"the engine of {node.Id} holds {engine.OpenSequences} sequences; {shape.Capacity} episodes may run");
    }

    // An episode that has ended releases its sequence a moment after its worker has begun the next one.
    private int Bound => 2 * shape.Capacity + 2;
}
