using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Adapters;

/// <summary>A low-rank adapter as data: its options, and its parameters as little-endian float32 in the order of <see cref="TensorsFor"/>.</summary>
/// <param name="Options">Which matrices are adapted, and how.</param>
/// <param name="Weights">A [rank, in] and B [out, rank] of each adapted matrix, back to back.</param>
public sealed record LowRankAdapter(LoraOptions Options, ReadOnlyMemory<byte> Weights)
{
    /// <summary>A new adapter, which changes nothing yet: every B is zero.</summary>
    /// <exception cref="ArgumentException">The options do not suit the model.</exception>
    public static LowRankAdapter Random(ModelConfig config, LoraOptions options, ulong seed)
    {
        using var weights = AdapterWeights.Random(new AdapterLayout(config, options), seed);
        return Of(weights);
    }

    /// <summary>Reads PEFT's adapter_config.json and adapter_model.safetensors.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="config">The model it belongs to.</param>
    /// <exception cref="Formats.ModelFormatException">A file is missing or broken, belongs to another model, or asks for what the engine does not do.</exception>
    public static LowRankAdapter Load(string folder, ModelConfig config)
    {
        using var weights = AdapterFolder.Load(folder, config);
        return Of(weights);
    }

    /// <summary>PEFT's names and shapes of an adapter's tensors, in the order of the flat buffer.</summary>
    /// <exception cref="ArgumentException">The options do not suit the model.</exception>
    public static IReadOnlyList<TensorShape> TensorsFor(ModelConfig config, LoraOptions options) => new AdapterLayout(config, options).Tensors;

    /// <summary>Writes PEFT's two files, F32.</summary>
    /// <param name="folder">Where; made if it is not there.</param>
    /// <param name="config">The model.</param>
    /// <param name="baseModel">Name or folder of the model, for whoever loads the adapter; or null.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="ArgumentException">The weights are not those of such an adapter.</exception>
    public void Save(string folder, ModelConfig config, string? baseModel)
    {
        using var weights = ToWeights(config);
        AdapterFolder.Save(folder, weights, baseModel);
    }

    internal AdapterWeights ToWeights(ModelConfig config)
    {
        var weights = new AdapterWeights(new AdapterLayout(config, Options));
        try
        {
            weights.CopyFrom(Weights.Span);
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static LowRankAdapter Of(AdapterWeights weights)
    {
        var bytes = new byte[weights.ByteCount];
        weights.CopyTo(bytes);
        return new LowRankAdapter(weights.Layout.Options, bytes);
    }
}
