using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Training;

/// <summary>
/// The backward pass of <see cref="Decoder.Forward"/> on one thread. Offers every parameter's gradient to whoever sums them; uses up the
/// activations (the gated unit's are overwritten). What is cheap to compute again (norms, the gated unit's outcome) was not kept: reading
/// it back from far memory would take longer.
/// </summary>
internal sealed unsafe class DecoderBackward(PackedModel model) : IDisposable
{
    private readonly ModelConfig _config = model.Config;
    private FloatBuffer? _memory;
    private int _capacity;
    private float* _dResidual;
    private float* _dSpare;
    private float* _dNormed;
    private float* _normed;
    private float* _dQueries;
    private float* _dKeyValues;
    private float* _dAttended;
    private float* _dGated;

    /// <summary>Floats that <paramref name="rows"/> rows take.</summary>
    public static long FloatsFor(ModelConfig config, int rows) =>
        (long)rows * ((4 * config.HiddenSize) + (2 * config.QueryWidth) + (2 * config.KeyValueWidth) + config.IntermediateSize);

    /// <summary>Where the head puts the gradient of <see cref="Activations.Final"/>, [active, d].</summary>
    public float* FinalGradient(int rows)
    {
        Reserve(rows);
        return _dNormed;
    }

    /// <summary>Runs from <see cref="FinalGradient"/> down to the embedding.</summary>
    public void Run(RowPlan plan, Activations activations, ParameterGradients gradient)
    {
        var hidden = _config.HiddenSize;
        var layout = model.Weights.Layout;
        RmsNorm.Backward(
            _dNormed, hidden, activations[_config.Layers - 1].Output, hidden, plan.ActiveCount, hidden, model.FinalNorm,
            activations.FinalInverse, _dResidual, hidden, accumulate: false, gradient.Vector(layout.FinalNorm));
        for (var layer = _config.Layers - 1; layer >= 0; layer--)
        {
            var last = layer == _config.Layers - 1;
            ref readonly var a = ref activations[layer];
            GatedUnit(layer, last ? plan.ActiveCount : plan.Rows, a, gradient);
            Attend(layer, plan, last, a, activations.Attention, gradient);
        }

        var dEmbedding = gradient.Embedding;
        for (var row = 0; dEmbedding is not null && row < plan.Rows; row++)
            AddRow(_dResidual + ((long)row * hidden), dEmbedding + ((long)plan.Tokens[row] * hidden), hidden);
    }

    public void Dispose() => _memory?.Dispose();

    private void Reserve(int rows)
    {
        if (rows <= _capacity)
            return;
        _capacity = Math.Max((rows + 15) / 16 * 16, _capacity * 5 / 4);
        _memory?.Dispose();
        _memory = new FloatBuffer(FloatsFor(_config, _capacity));
        _dResidual = _memory.Pointer;
        _dSpare = _dResidual + ((long)_capacity * _config.HiddenSize);
        _dNormed = _dSpare + ((long)_capacity * _config.HiddenSize);
        _normed = _dNormed + ((long)_capacity * _config.HiddenSize);
        _dQueries = _normed + ((long)_capacity * _config.HiddenSize);
        _dAttended = _dQueries + ((long)_capacity * _config.QueryWidth);
        _dKeyValues = _dAttended + ((long)_capacity * _config.QueryWidth);
        _dGated = _dKeyValues + ((long)_capacity * 2 * _config.KeyValueWidth);
    }

    // _dResidual: from the gradient of the layer's output to that of its middle.
    private void GatedUnit(int index, int rows, in LayerActivations a, ParameterGradients gradient)
    {
        var layer = model.Layers[index];
        int hidden = _config.HiddenSize, inner = _config.IntermediateSize;
        Gemm.Multiply(_dResidual, hidden, rows, layer.DownBackward!, _dGated, inner);
        SwiGlu.Backward(_dGated, inner, a.GateUp, 2 * inner, rows, inner);
        gradient.Matrix(index, LayerMatrix.Down, _dResidual, _dGated, rows);
        Gemm.Multiply(a.GateUp, 2 * inner, rows, layer.GateUpBackward!, _dNormed, hidden);
        RmsNorm.Again(a.Middle, hidden, rows, hidden, layer.PostNorm, a.MiddleInverse, _normed, hidden);
        gradient.Matrix(index, LayerMatrix.GateUp, a.GateUp, _normed, rows);
        RmsNorm.Backward(
            _dNormed, hidden, a.Middle, hidden, rows, hidden, layer.PostNorm, a.MiddleInverse, _dResidual, hidden, accumulate: true,
            gradient.Vector(model.Weights.Layout.Layers[index].PostNorm));
    }

    // _dResidual: from the gradient of the layer's middle to that of its input, for all rows.
    private void Attend(int index, RowPlan plan, bool last, in LayerActivations a, AttentionScratch scratch, ParameterGradients gradient)
    {
        var (layer, at) = (model.Layers[index], model.Weights.Layout.Layers[index]);
        int hidden = _config.HiddenSize, queryWidth = _config.QueryWidth, keyWidth = _config.KeyValueWidth;
        var queries = last ? plan.ActiveCount : plan.Rows;
        Gemm.Multiply(_dResidual, hidden, queries, layer.OutputBackward!, _dAttended, queryWidth);
        gradient.Matrix(index, LayerMatrix.Output, _dResidual, a.Attended, queries);
        AttentionBackward.Run(_config, plan, last, a, _dAttended, _dQueries, _dKeyValues, scratch);

        var table = model.Rotary;
        Rotary.Apply(
            _dQueries, queryWidth, queries, _config.Heads, _config.HeadSize, last ? plan.ActivePositions : plan.Positions, table.Cosines,
            table.Sines, backwards: true);
        Rotary.Apply(
            _dKeyValues, 2 * keyWidth, plan.Rows, _config.KeyValueHeads, _config.HeadSize, plan.Positions, table.Cosines, table.Sines, backwards: true);
        if (_config.HasQueryKeyNorm)
            QueryKeyNorms(layer, at, plan.Rows, queries, a, gradient);
        if (_config.HasBias && gradient.TakesVectors)
            Biases(at, plan.Rows, queries, gradient);

        RmsNorm.Again(a.Input, hidden, plan.Rows, hidden, layer.InputNorm, a.InputInverse, _normed, hidden);
        gradient.Matrix(index, LayerMatrix.KeyValue, _dKeyValues, _normed, plan.Rows);
        if (last)
            Decoder.Gather(plan, _normed, _normed, hidden);
        gradient.Matrix(index, LayerMatrix.Query, _dQueries, _normed, queries);

        Gemm.Multiply(_dKeyValues, 2 * keyWidth, plan.Rows, layer.KeyValueBackward!, _dNormed, hidden);
        if (last)
        {
            Gemm.Multiply(_dQueries, queryWidth, queries, layer.QueryBackward!, _dSpare, hidden);
            for (var i = 0; i < queries; i++)
                AddRow(_dSpare + ((long)i * hidden), _dNormed + ((long)plan.ActiveRows[i] * hidden), hidden);
            Scatter(plan);
        }
        else
        {
            Gemm.Multiply(_dQueries, queryWidth, queries, layer.QueryBackward!, _dNormed, hidden, _dNormed, hidden);
        }

        RmsNorm.Backward(
            _dNormed, hidden, a.Input, hidden, plan.Rows, hidden, layer.InputNorm, a.InputInverse, _dResidual, hidden, accumulate: true,
            gradient.Vector(at.InputNorm));
    }

    // Spreads the active rows of the residual's gradient to their places among all rows; the others have none.
    private void Scatter(RowPlan plan)
    {
        var hidden = _config.HiddenSize;
        new Span<float>(_dSpare, plan.Rows * hidden).Clear();
        for (var i = 0; i < plan.ActiveCount; i++)
            AddRow(_dResidual + ((long)i * hidden), _dSpare + ((long)plan.ActiveRows[i] * hidden), hidden);
        var compact = _dResidual;
        _dResidual = _dSpare;
        _dSpare = compact;
    }

    private void QueryKeyNorms(PackedLayer layer, LayerLayout at, int rows, int queries, in LayerActivations a, ParameterGradients gradient)
    {
        int size = _config.HeadSize, heads = _config.Heads, keyHeads = _config.KeyValueHeads, keyWidth = _config.KeyValueWidth;
        RmsNorm.Backward(
            _dQueries, size, a.RawQueries, size, queries * heads, size, layer.QueryNorm, a.QueryInverse, _dQueries, size, accumulate: false,
            gradient.Vector(at.QueryNorm));
        for (var row = 0; row < rows; row++)
        {
            var dKeys = _dKeyValues + ((long)row * 2 * keyWidth);
            RmsNorm.Backward(
                dKeys, size, a.RawKeys + ((long)row * keyWidth), size, keyHeads, size, layer.KeyNorm, a.KeyInverse + ((long)row * keyHeads), dKeys,
                size, accumulate: false, gradient.Vector(at.KeyNorm));
        }
    }

    private void Biases(LayerLayout at, int rows, int queries, ParameterGradients gradient)
    {
        int queryWidth = _config.QueryWidth, keyWidth = _config.KeyValueWidth;
        for (var row = 0; row < queries; row++)
            AddRow(_dQueries + ((long)row * queryWidth), gradient.Vector(at.QueryBias), queryWidth);
        for (var row = 0; row < rows; row++)
        {
            AddRow(_dKeyValues + ((long)row * 2 * keyWidth), gradient.Vector(at.KeyBias), keyWidth);
            AddRow(_dKeyValues + ((long)row * 2 * keyWidth) + keyWidth, gradient.Vector(at.ValueBias), keyWidth);
        }
    }

    private static void AddRow(float* from, float* to, int width)
    {
        for (var i = 0; i < width; i++)
            to[i] += from[i];
    }
}
