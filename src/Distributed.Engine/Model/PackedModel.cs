using System.Runtime.CompilerServices;
using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>
/// The matrices of a <see cref="ModelWeights"/> in the layout of the kernels, and its rotary table. A copy: call <see cref="Repack"/> after
/// the weights have changed, while nothing computes. A frozen model (<see cref="IsFrozen"/>) has no such weights: its matrices are kept as bfloat16
/// and only here, filled in once by whoever loads it.
/// </summary>
internal sealed class PackedModel : IDisposable
{
    private readonly ModelWeights _weights;

    /// <summary>A model whose weights may change.</summary>
    /// <param name="weights">The weights; stay owned by the caller and must outlive this.</param>
    /// <param name="contextLength">Positions of the rotary table; 0 takes the model's own.</param>
    public PackedModel(ModelWeights weights, int contextLength = 0)
        : this(weights, contextLength, frozen: false)
    {
    }

    /// <summary>A model whose matrices are bfloat16, still empty.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="contextLength">Positions of the rotary table; 0 takes the model's own.</param>
    public static PackedModel Frozen(ModelConfig config, int contextLength = 0) => new(new ModelWeights(config, vectorsOnly: true), contextLength, frozen: true);

    private PackedModel(ModelWeights weights, int contextLength, bool frozen)
    {
        _weights = weights;
        IsFrozen = frozen;
        var config = weights.Config;
        ContextLength = contextLength == 0 ? config.MaxPositions : Math.Min(contextLength, config.MaxPositions);
        Rotary = new RotaryTable(config, ContextLength);
        Layers = new PackedLayer[config.Layers];
        for (var layer = 0; layer < config.Layers; layer++)
            Layers[layer] = new PackedLayer(weights, weights.Layout.Layers[layer], frozen);
        Head = new PackedMatrix(config.HiddenSize, config.VocabularySize, frozen);
        EmbeddingRows = frozen && !config.TiedHead ? new FloatBuffer(((long)config.VocabularySize * config.HiddenSize + 1) / 2) : null;
        if (!frozen)
            Repack();
    }

    public ModelConfig Config => _weights.Config;

    /// <summary>All parameters, or norms and biases alone if the model is frozen.</summary>
    public ModelWeights Weights => _weights;

    /// <summary>Whether the matrices are bfloat16 that cannot be trained.</summary>
    public bool IsFrozen { get; }

    /// <summary>Longest sequence.</summary>
    public int ContextLength { get; }

    public RotaryTable Rotary { get; }

    public PackedLayer[] Layers { get; }

    /// <summary>[d, V]: logits from the final norm's output.</summary>
    public PackedMatrix Head { get; }

    /// <summary>[V, d]: the head's gradient back to its input; null until <see cref="PrepareBackward"/>.</summary>
    public PackedMatrix? HeadBackward { get; private set; }

    /// <summary>Weight of the final norm, [d].</summary>
    public unsafe float* FinalNorm => _weights.Pointer + _weights.Layout.FinalNorm;

    /// <summary>A frozen model's embedding as bfloat16, [V, d], two words a float; null if it is the head too, or the model is not frozen.</summary>
    public FloatBuffer? EmbeddingRows { get; }

    /// <summary>Copies a token's embedding, [d].</summary>
    public unsafe void Embed(int token, float* to)
    {
        var width = Config.HiddenSize;
        if (!IsFrozen)
            Unsafe.CopyBlockUnaligned(to, _weights.Pointer + _weights.Layout.Embedding + ((long)token * width), (uint)width * sizeof(float));
        else if (EmbeddingRows is { } rows)
            Formats.WeightTypes.ToFloats((byte*)((ushort*)rows.Pointer + ((long)token * width)), Formats.WeightType.BF16, to, width);
        else
            Head.Half!.ReadColumn(token, to);
    }

    /// <summary>Bytes of the matrices that a pass reads.</summary>
    public long PassBytes =>
        Head.PanelBytes + Layers.Sum(layer => layer.Query.PanelBytes + layer.KeyValue.PanelBytes + layer.Output.PanelBytes + layer.GateUp.PanelBytes + layer.Down.PanelBytes);

    /// <summary>Makes the transposed copies training needs, once.</summary>
    public void PrepareBackward()
    {
        if (HeadBackward is not null)
            return;
        HeadBackward = Head.ForGradients();
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
        EmbeddingRows?.Dispose();
        if (IsFrozen)
            _weights.Dispose();
    }

    private unsafe void RepackHead()
    {
        if (IsFrozen)
            return;
        var weight = _weights.Pointer + _weights.Layout.Head;
        Head.RepackLinear(weight);
        HeadBackward?.RepackRowMajor(weight, Config.HiddenSize);
    }
}
