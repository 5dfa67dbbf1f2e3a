using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>One decoder layer's matrices, packed; as bfloat16 if the model is frozen so. Products read a row [.., in] and give a row [.., out]; norms point into the flat weights.</summary>
internal sealed unsafe class PackedLayer : IDisposable
{
    private readonly ModelWeights _weights;
    private readonly LayerLayout _layout;
    private readonly ModelConfig _config;
    private readonly FloatBuffer? _biases;

    internal PackedLayer(ModelWeights weights, LayerLayout layout, bool half)
    {
        _weights = weights;
        _layout = layout;
        _config = weights.Config;
        Query = new PackedMatrix(_config.HiddenSize, _config.QueryWidth, half);
        KeyValue = new PackedMatrix(_config.HiddenSize, 2 * _config.KeyValueWidth, half);
        Output = new PackedMatrix(_config.QueryWidth, _config.HiddenSize, half);
        GateUp = new PackedMatrix(_config.HiddenSize, 2 * _config.IntermediateSize, half);
        Down = new PackedMatrix(_config.IntermediateSize, _config.HiddenSize, half);
        if (_config.HasBias)
            _biases = new FloatBuffer(_config.QueryWidth + (2 * _config.KeyValueWidth));
    }

    /// <summary>[d, heads * headSize].</summary>
    public PackedMatrix Query { get; }

    /// <summary>[d, 2 * kvHeads * headSize]: the keys of all heads, then the values.</summary>
    public PackedMatrix KeyValue { get; }

    /// <summary>[heads * headSize, d].</summary>
    public PackedMatrix Output { get; }

    /// <summary>[d, 2 * intermediate]: gates, then ups.</summary>
    public PackedMatrix GateUp { get; }

    /// <summary>[intermediate, d].</summary>
    public PackedMatrix Down { get; }

    /// <summary>Bias of <see cref="Query"/>, or null.</summary>
    public float* QueryBias => _biases is null ? null : _biases.Pointer;

    /// <summary>Bias of <see cref="KeyValue"/>, or null.</summary>
    public float* KeyValueBias => _biases is null ? null : _biases.Pointer + _config.QueryWidth;

    /// <summary>Weight of the norm before attention, [d].</summary>
    public float* InputNorm => _weights.Pointer + _layout.InputNorm;

    /// <summary>Weight of the norm before the gated unit, [d].</summary>
    public float* PostNorm => _weights.Pointer + _layout.PostNorm;

    /// <summary>Weight of the norm on query heads, [headSize], or null.</summary>
    public float* QueryNorm => _layout.QueryNorm < 0 ? null : _weights.Pointer + _layout.QueryNorm;

    /// <summary>Weight of the norm on key heads, [headSize], or null.</summary>
    public float* KeyNorm => _layout.KeyNorm < 0 ? null : _weights.Pointer + _layout.KeyNorm;

    /// <summary>The same matrices for gradients: a row [.., out] gives a row [.., in]. Null until asked for.</summary>
    public PackedMatrix? QueryBackward { get; private set; }

    public PackedMatrix? KeyValueBackward { get; private set; }

    public PackedMatrix? OutputBackward { get; private set; }

    public PackedMatrix? GateUpBackward { get; private set; }

    public PackedMatrix? DownBackward { get; private set; }

    public void Dispose()
    {
        foreach (var matrix in new[] { Query, KeyValue, Output, GateUp, Down, QueryBackward, KeyValueBackward, OutputBackward, GateUpBackward, DownBackward })
            matrix?.Dispose();
        _biases?.Dispose();
    }

    internal void PrepareBackward()
    {
        QueryBackward = Query.ForGradients();
        KeyValueBackward = KeyValue.ForGradients();
        OutputBackward = Output.ForGradients();
        GateUpBackward = GateUp.ForGradients();
        DownBackward = Down.ForGradients();
    }

    internal void Repack()
    {
        RepackBiases();
        if (Query.Half is not null)
            return;
        var flat = _weights.Pointer;
        int hidden = _config.HiddenSize, keys = _config.KeyValueWidth, inner = _config.IntermediateSize;
        Query.RepackLinear(flat + _layout.Query);
        KeyValue.PackLinear(flat + _layout.Key, 0, keys);
        KeyValue.PackLinear(flat + _layout.Value, keys, keys);
        Output.RepackLinear(flat + _layout.Output);
        GateUp.PackLinear(flat + _layout.Gate, 0, inner);
        GateUp.PackLinear(flat + _layout.Up, inner, inner);
        Down.RepackLinear(flat + _layout.Down);
        QueryBackward?.RepackRowMajor(flat + _layout.Query, hidden);
        KeyValueBackward?.PackRows(flat + _layout.Key, hidden, 0, keys);
        KeyValueBackward?.PackRows(flat + _layout.Value, hidden, keys, keys);
        OutputBackward?.RepackRowMajor(flat + _layout.Output, _config.QueryWidth);
        GateUpBackward?.PackRows(flat + _layout.Gate, hidden, 0, inner);
        GateUpBackward?.PackRows(flat + _layout.Up, hidden, inner, inner);
        DownBackward?.RepackRowMajor(flat + _layout.Down, inner);
    }

    private void RepackBiases()
    {
        if (_biases is null)
            return;
        var flat = _weights.Pointer;
        var keys = _config.KeyValueWidth;
        var bias = _biases.Span;
        new Span<float>(flat + _layout.QueryBias, _config.QueryWidth).CopyTo(bias);
        new Span<float>(flat + _layout.KeyBias, keys).CopyTo(bias[_config.QueryWidth..]);
        new Span<float>(flat + _layout.ValueBias, keys).CopyTo(bias[(_config.QueryWidth + keys)..]);
    }
}
