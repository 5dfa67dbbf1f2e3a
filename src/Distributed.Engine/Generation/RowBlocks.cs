using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Generation;

/// <summary>
/// A batch's rows in blocks of whole segments, each of which one thread takes through the whole decoder: no row depends on a row of another block.
/// The weights are read once a block, so blocks must be high enough to be worth that.
/// </summary>
internal sealed unsafe class RowBlocks
{
    /// <summary>Rows of a block below which reading the weights costs more than waiting for each other does.</summary>
    public const int LeastRows = 8;

    /// <summary>Blocks a thread, if there are rows enough: who is done early takes another's.</summary>
    private const int BlocksPerThread = 2;

    private readonly PackedModel _model;
    private readonly ModelConfig _config;
    private readonly BatchRows _rows;
    private readonly BatchBuffers _buffers;
    private readonly RowAttention _attention;
    private readonly int _threads;
    private readonly int[] _segments;
    private readonly int[] _logits;

    public RowBlocks(PackedModel model, BatchRows rows, BatchBuffers buffers, RowAttention attention, int threads)
    {
        (_model, _config, _rows, _buffers, _attention, _threads) = (model, model.Config, rows, buffers, attention, threads);
        _segments = new int[(BlocksPerThread * threads) + 1];
        _logits = new int[_segments.Length];
    }

    /// <summary>Blocks of the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Divides the rows among the threads. False if they are too few for that.</summary>
    public bool Divide()
    {
        Count = 0;
        var most = Math.Min(BlocksPerThread, _rows.Count / LeastRows / _threads) * _threads;
        if (most == 0)
            return false;

        var logit = 0;
        for (var segment = 0; segment < _rows.SegmentCount; segment++)
        {
            // A block ends with the segment that reaches its share of the rows.
            var end = _rows.Start(segment + 1);
            while (logit < _rows.LogitCount && _rows.LogitRow(logit) < end)
                logit++;
            if ((long)end * most < (long)(Count + 1) * _rows.Count)
                continue;
            Count++;
            (_segments[Count], _logits[Count]) = (segment + 1, logit);
        }

        return Count >= _threads;
    }

    /// <summary>Takes a block through the decoder: its keys and values are in the pages afterwards, and its logits in the buffers.</summary>
    public void Run(int block, int thread)
    {
        int first = _rows.Start(_segments[block]), rows = _rows.Start(_segments[block + 1]) - first;
        var stream = _buffers.Stream.Pointer + ((nint)first * _config.HiddenSize);
        for (var row = 0; row < rows; row++)
            _model.Embed(_rows.Token(first + row), stream + ((nint)row * _config.HiddenSize));
        for (var index = 0; index < _config.Layers - 1; index++)
        {
            var layer = _model.Layers[index];
            var normed = KeysAndValues(index, block, thread);
            Queries(layer, normed, first, rows);
            for (var segment = _segments[block]; segment < _segments[block + 1]; segment++)
                for (var head = 0; head < _config.KeyValueHeads; head++)
                    _attention.Attend(index, segment, head, thread);
            Rest(layer, first, rows, thread);
        }

        Last(block, thread);
    }

    // Of the last layer, rows without logits leave nothing behind but their keys and values.
    private void Last(int block, int thread)
    {
        var index = _config.Layers - 1;
        var normed = KeysAndValues(index, block, thread);
        int first = _rows.Start(_segments[block]), wanted = _logits[block + 1] - _logits[block];
        if (wanted == 0)
            return;

        var stream = _buffers.Stream.Pointer + ((nint)first * _config.HiddenSize);
        for (var i = 0; i < wanted; i++)
        {
            var row = _rows.LogitRow(_logits[block] + i) - first;
            Move(stream, row, i, _config.HiddenSize);
            Move(normed, row, i, _buffers.HiddenStride);
        }

        Queries(_model.Layers[index], normed, first, wanted);
        for (var i = 0; i < wanted; i++)
        {
            var row = _rows.LogitRow(_logits[block] + i);
            for (var head = 0; head < _config.KeyValueHeads; head++)
                _attention.Attend(index, _rows.SequenceOf(row), _rows.Positions.Slice(row, 1), first + i, head, thread);
        }

        Rest(_model.Layers[index], first, wanted, thread);
        normed = Normed(_model.FinalNorm, first, wanted, thread);
        Gemm.Multiply(normed, _buffers.HiddenStride, wanted, _model.Head, _buffers.Logits.Pointer + ((nint)_logits[block] * _buffers.LogitStride), _buffers.LogitStride);
    }

    private float* KeysAndValues(int index, int block, int thread)
    {
        int first = _rows.Start(_segments[block]), rows = _rows.Start(_segments[block + 1]) - first, width = 2 * _config.KeyValueWidth;
        var layer = _model.Layers[index];
        var normed = Normed(layer.InputNorm, first, rows, thread);
        Gemm.Multiply(normed, _buffers.HiddenStride, rows, layer.KeyValue, _buffers.KeysValues.Pointer + ((nint)first * width), width, layer.KeyValueBias);
        for (var segment = _segments[block]; segment < _segments[block + 1]; segment++)
            for (var head = 0; head < _config.KeyValueHeads; head++)
                _attention.Store(index, segment, head);
        return normed;
    }

    private void Queries(PackedLayer layer, float* normed, int first, int rows) =>
        Gemm.Multiply(
            normed, _buffers.HiddenStride, rows, layer.Query, _buffers.Queries.Pointer + ((nint)first * _config.QueryWidth), _config.QueryWidth, layer.QueryBias);

    // What follows attention.
    private void Rest(PackedLayer layer, int first, int rows, int thread)
    {
        int hidden = _config.HiddenSize, inner = _config.IntermediateSize, width = 2 * inner;
        var stream = _buffers.Stream.Pointer + ((nint)first * hidden);
        Gemm.Multiply(_buffers.Attended.Pointer + ((nint)first * _buffers.AttendedStride), _buffers.AttendedStride, rows, layer.Output, stream, hidden, stream, hidden);
        var normed = Normed(layer.PostNorm, first, rows, thread);
        var gates = _buffers.Gates.Pointer + ((nint)first * width);
        var gated = _buffers.Gated.Pointer + ((nint)first * _buffers.GatedStride);
        Gemm.Multiply(normed, _buffers.HiddenStride, rows, layer.GateUp, gates, width);
        SwiGlu.Forward(gates, width, rows, inner, gated, _buffers.GatedStride);
        Gemm.Multiply(gated, _buffers.GatedStride, rows, layer.Down, stream, hidden, stream, hidden);
    }

    private float* Normed(float* weight, int first, int rows, int thread)
    {
        var normed = _buffers.Normed(thread);
        RmsNorm.Forward(
            _buffers.Stream.Pointer + ((nint)first * _config.HiddenSize), _config.HiddenSize, rows, _config.HiddenSize, weight, _config.NormEpsilon, normed,
            _buffers.HiddenStride);
        return normed;
    }

    private static void Move(float* rows, int from, int to, int stride)
    {
        if (from != to)
            new ReadOnlySpan<float>(rows + ((nint)from * stride), stride).CopyTo(new Span<float>(rows + ((nint)to * stride), stride));
    }
}
