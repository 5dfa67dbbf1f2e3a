using Distributed.Ports;

namespace Distributed.Node.Checkpoints;

/// <summary>The engine's part of a checkpoint: weights and optimizer state as files.</summary>
public interface IModelFiles
{
    /// <summary>Writes a Hugging Face folder (config.json, model.safetensors, tokenizer.json) into an existing empty folder.</summary>
    void WriteModel(string folder, ReadOnlyMemory<byte> weights);

    /// <summary>The flat weights of such a folder, in the engine's order.</summary>
    ReadOnlyMemory<byte> ReadModel(string folder);

    /// <summary>Writes the optimizer's state as safetensors.</summary>
    void WriteOptimizer(string path, OptimizerState state);

    /// <summary>Reads it back.</summary>
    OptimizerState ReadOptimizer(string path);
}
