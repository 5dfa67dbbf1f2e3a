using Distributed.Engine.Adapters;
using Distributed.Engine.Model;
using Distributed.Engine.Torch.Hosting;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>A model on a device, and which of its parameters may change: all, or those of an adapter.</summary>
internal sealed class TorchModel : IDisposable
{
    private readonly TorchParameters? _adapter;
    private readonly AdapterLayout? _adapterLayout;

    /// <param name="weights">The model in host memory; only read.</param>
    /// <param name="options">Where and how to compute.</param>
    /// <exception cref="ArgumentException">The adapter is not one of this model.</exception>
    public TorchModel(ModelWeights weights, TorchEngineOptions options)
    {
        using var quiet = no_grad();
        Config = weights.Config;
        Device = device(options.Device);
        var compute = options.Compute == ComputeType.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        var wanted = options.Engine.ContextLength;
        ContextLength = wanted == 0 ? Config.MaxPositions : Math.Min(wanted, Config.MaxPositions);
        Weights = new TorchParameters(weights.Tensors, Device, compute);
        Weights.CopyFrom(weights);
        if (options.Engine.Adapter is { } adapter)
        {
            using var values = adapter.ToWeights(Config);
            _adapterLayout = values.Layout;
            _adapter = new TorchParameters(values.Tensors, Device, compute);
            _adapter.CopyFrom(values);
        }

        Decoder = new TorchDecoder(Config, ContextLength, Weights, new Linear(Weights, _adapter, _adapterLayout), Device, compute);
        Head = new TorchHead(Weights, Decoder.HeadName, Config.VocabularySize, Device);
    }

    /// <summary>Its shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>Longest sequence.</summary>
    public int ContextLength { get; }

    /// <summary>Where it is.</summary>
    public Device Device { get; }

    /// <summary>All of the model's own parameters.</summary>
    public TorchParameters Weights { get; }

    /// <summary>What training changes.</summary>
    public TorchParameters Trained => _adapter ?? Weights;

    /// <summary>Whether the head's matrix is among it.</summary>
    public bool TrainsHead => _adapter is null;

    /// <summary>The decoder.</summary>
    public TorchDecoder Decoder { get; }

    /// <summary>The head.</summary>
    public TorchHead Head { get; }

    /// <summary>The model in host memory, the adapter merged into it, and the adapter; both are the caller's to dispose of.</summary>
    public (ModelWeights Merged, AdapterWeights? Adapter) ToHost()
    {
        var merged = new ModelWeights(Config);
        AdapterWeights? adapter = null;
        try
        {
            merged.CopyFrom(TorchParameters.ToBytes(Weights.Flat));
            if (_adapter is not null)
            {
                adapter = new AdapterWeights(_adapterLayout!);
                adapter.CopyFrom(TorchParameters.ToBytes(_adapter.Flat));
                adapter.MergeInto(merged);
            }

            return (merged, adapter);
        }
        catch
        {
            merged.Dispose();
            adapter?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Decoder.Dispose();
        Weights.Dispose();
        _adapter?.Dispose();
    }
}
