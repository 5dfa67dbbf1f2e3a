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
internal sealed class PendingCheckpoint(PolicyVersion version, ReadOnlyMemory<byte> weights, ReadOnlyMemory<byte> progress)
{
    public PolicyVersion Version { get; } = version;
    public ReadOnlyMemory<byte> Weights { get; } = weights;
    public ReadOnlyMemory<byte> Progress { get; } = progress;
    public OptimizerState? Optimizer { get; set; }
    public LedgerSnapshot? Ledger { get; set; }
}
