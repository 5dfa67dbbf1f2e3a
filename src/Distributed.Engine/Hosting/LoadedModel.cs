using Distributed.Engine.Adapters;
using Distributed.Engine.Formats;
using Distributed.Engine.Model;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>A model as an engine computes with it, and which of its parameters may change: all, those of an adapter, or none.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly ModelWeights? _weights;
    private readonly AdapterWeights? _adapter;

    private LoadedModel(PackedModel packed, ModelWeights? weights, LowRankAdapter? adapter)
    {
        (Packed, _weights) = (packed, weights);
        if (adapter is not null)
        {
            _adapter = adapter.ToWeights(packed.Config);
            Trained = new PackedAdapter(packed, _adapter);
        }
        else if (weights is not null)
        {
            Trained = new AllParameters(packed);
        }
    }

    /// <summary>The model.</summary>
    public PackedModel Packed { get; }

    /// <summary>What may change; null if nothing may.</summary>
    public ITrainedParameters? Trained { get; }

    /// <summary>The tensors that change, or all of the model's if none does.</summary>
    public IReadOnlyList<TensorShape> Tensors => Trained?.Flat.Tensors ?? new ModelLayout(Packed.Config).Tensors;

    /// <summary>A folder's model.</summary>
    /// <exception cref="ModelFormatException">A file is missing or broken.</exception>
    /// <exception cref="ArgumentException">The adapter is not one of this model.</exception>
    public static LoadedModel Load(string folder, EngineOptions options)
    {
        Check(options);
        return options.Storage == WeightStorage.BFloat16
            ? Wrap(() => FrozenModel.Load(folder, options.ContextLength), null, options.Adapter)
            : Create(ModelFolder.Load(folder), options);
    }

    /// <summary>A model on weights, which it takes over even if this fails.</summary>
    /// <exception cref="ArgumentException">The adapter is not one of this model, or the options want weights from a folder.</exception>
    public static LoadedModel Create(ModelWeights weights, EngineOptions options)
    {
        return Wrap(
            () =>
            {
                Check(options);
                return options.Storage == WeightStorage.Float32 ? new PackedModel(weights, options.ContextLength)
                    : throw new ArgumentException("weights are kept as bfloat16 only if they come from a folder", nameof(options));
            },
            weights, options.Adapter);
    }

    /// <summary>Writes the model as a Hugging Face folder; with an adapter, the merged model and beside it the adapter's own folder.</summary>
    /// <exception cref="InvalidOperationException">The model is kept as bfloat16, so its folder is where it came from.</exception>
    public void Save(string folder)
    {
        if (_weights is null)
            throw new InvalidOperationException("a model kept as bfloat16 is not written again; convert its own folder instead");
        if (_adapter is null)
        {
            ModelFolder.Save(folder, _weights);
            return;
        }

        using var merged = new ModelWeights(_weights.Config);
        _weights.Span.CopyTo(merged.Span);
        _adapter.MergeInto(merged);
        ModelFolder.Save(folder, merged);
        AdapterFolder.Save(Path.Combine(folder, "adapter"), _adapter, null);
    }

    public void Dispose()
    {
        Packed.Dispose();
        _weights?.Dispose();
        _adapter?.Dispose();
    }

    private static LoadedModel Wrap(Func<PackedModel> pack, ModelWeights? weights, LowRankAdapter? adapter)
    {
        PackedModel? packed = null;
        try
        {
            packed = pack();
            return new LoadedModel(packed, weights, adapter);
        }
        catch
        {
            packed?.Dispose();
            weights?.Dispose();
            throw;
        }
    }

    private static void Check(EngineOptions options)
    {
        if (options.Complaint() is { } complaint)
            throw new ArgumentException(complaint, nameof(options));
    }
}
