using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>
/// The matrices of a <see cref="ModelWeights"/> in the layout of the kernels, and its rotary table. A copy: call <see cref="Repack"/> after
/// the weights have changed, while nothing computes.
/// </summary>
internal sealed class PackedModel : IDisposable
{
    private readonly ModelWeights _weights;

    /// <param name="weights">The weights; stay owned by the caller and must outlive this.</param>
    /// <param name="contextLength">Positions of the rotary table; 0 takes the model's own.</param>
    public PackedModel(ModelWeights weights, int contextLength = 0)
    {
        _weights = weights;
        var config = weights.Config;
        ContextLength = contextLength == 0 ? config.MaxPositions : Math.Min(contextLength, config.MaxPositions);
        Rotary = new RotaryTable(config, ContextLength);
        Layers = new PackedLayer[config.Layers];
        for (var layer = 0; layer < config.Layers; layer++)
            Layers[layer] = new PackedLayer(weights, weights.Layout.Layers[layer]);
        Head = new PackedMatrix(config.HiddenSize, config.VocabularySize);
        Repack();
    }

    public ModelConfig Config => _weights.Config;

    public ModelWeights Weights => _weights;

    /// <summary>Longest sequence.</summary>
    public int ContextLength { get; }

    public RotaryTable Rotary { get; }

    public PackedLayer[] Layers { get; }

    /// <summary>[d, V]: logits from the final norm's output.</summary>
    public PackedMatrix Head { get; }

    /// <summary>[V, d]: the head's gradient back to its input; null until <see cref="PrepareBackward"/>.</summary>
    public PackedMatrix? HeadBackward { get; private set; }

    /// <summary>Makes the transposed copies training needs, once.</summary>
    public void PrepareBackward()
    {
        if (HeadBackward is not null)
            return;
        HeadBackward = new PackedMatrix(Config.VocabularySize, Config.HiddenSize);
        foreach (var layer in Layers)
            layer.PrepareBackward();
        Repack();
    }

    /// <summary>Packs everything anew from the weights.</summary>
    public void Repack()
    {
        for (var part = 0; part < PartCount; part++)
            RepackPart(part);
    }

    /// <summary>How many parts <see cref="RepackPart"/> knows; different parts may be packed by different threads at once.</summary>
    public int PartCount => Layers.Length + 1;

    /// <summary>Packs one layer, or (the last part) the head.</summary>
    public void RepackPart(int part)
    {
        if (part < Layers.Length)
            Layers[part].Repack();
        else
            RepackHead();
    }

    public void Dispose()
    {
        Rotary.Dispose();
        foreach (var layer in Layers)
            layer.Dispose();
        Head.Dispose();
        HeadBackward?.Dispose();
    }

    private unsafe void RepackHead()
    {
        var weight = _weights.Pointer + _weights.Layout.Head;
        Head.RepackLinear(weight);
        HeadBackward?.RepackRowMajor(weight, Config.HiddenSize);
    }
}
