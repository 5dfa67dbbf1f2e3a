namespace Distributed.Ports;

/// <summary>Keeps checkpoints: one atomic unit per version. Answers on a thread of its own.</summary>
public interface ICheckpointStore
{
    /// <summary>Writes a checkpoint durably (write aside, flush, rename); the older ones stay until the new one stands.</summary>
    /// <param name="checkpoint">What to keep.</param>
    /// <param name="reply">Called once: null when the checkpoint is durable, else why not (full disk, read-only folder).</param>
    void Save(Checkpoint checkpoint, Action<EngineError?> reply);

    /// <summary>The newest checkpoint that is whole, or null if there is none. Broken ones are passed over and named in <paramref name="warn"/>.</summary>
    Checkpoint? LoadNewest(Action<string> warn);
}

/// <summary>Everything a learner needs to go on as if it had never stopped.</summary>
/// <param name="Version">Policy version: optimizer steps taken since the run began.</param>
/// <param name="Epoch">The learner's epoch; a resumed learner runs under a higher one.</param>
/// <param name="Weights">Flat float32 weights in the engine's order.</param>
/// <param name="Optimizer">The optimizer's state.</param>
/// <param name="Ledger">The coordinator's ledger, finished but untrained trajectories included; opaque to the store.</param>
/// <param name="Recipe">The effective recipe as YAML.</param>
/// <param name="Progress">What a learned credit method keeps; empty if there is none. Opaque to the store.</param>
public sealed record Checkpoint(
    long Version,
    long Epoch,
    ReadOnlyMemory<byte> Weights,
    OptimizerState Optimizer,
    ReadOnlyMemory<byte> Ledger,
    string Recipe,
    ReadOnlyMemory<byte> Progress = default);
