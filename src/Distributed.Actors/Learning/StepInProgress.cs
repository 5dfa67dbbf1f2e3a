using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>A batch on its way to a version.</summary>
internal sealed class StepInProgress(AssignedBatch batch)
{
    public AssignedBatch Batch { get; } = batch;
    public Dictionary<Slot, string> Unused { get; } = new(batch.Unused);
    public StepMeasures Measures { get; } = new();
    public IReadOnlyList<ReadOnlyMemory<float>>? Reference { get; set; }
    public IReadOnlyList<MiniBatch> Parts { get; set; } = [];
    public int NextPart { get; set; }
    public bool Changed { get; set; }
}

/// <summary>A checkpoint whose parts are still being gathered.</summary>
internal sealed class PendingCheckpoint(PolicyVersion version, ReadOnlyMemory<byte> weights)
{
    public PolicyVersion Version { get; } = version;
    public ReadOnlyMemory<byte> Weights { get; } = weights;
    public OptimizerState? Optimizer { get; set; }
    public LedgerSnapshot? Ledger { get; set; }

    /// <summary>What the learned credit method keeps; empty if there is none, null while it is awaited.</summary>
    public ReadOnlyMemory<byte>? Credit { get; set; }
}
