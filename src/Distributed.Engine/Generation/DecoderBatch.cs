using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Generation;

/// <summary>
/// Runs single positions of many sequences through the decoder together: fed prompt tokens and freshly sampled ones alike are rows of the
/// same matrix products, each at its own position of its own sequence. One thread's; the model is only read.
/// </summary>
internal sealed unsafe class DecoderBatch : IDisposable
{
    private readonly PackedModel _model;
    private readonly ModelConfig _config;
    private readonly KeyValueLayout _layout;
    private readonly float _scale;
    private readonly SequenceCache[] _sequences;
    private readonly int[] _tokens;
    private readonly int[] _positions;
    private readonly int[] _logitRows;
    private readonly FloatBuffer _stream;
    private readonly FloatBuffer _normed;
    private readonly FloatBuffer _queries;
    private readonly FloatBuffer _keysValues;
    private readonly FloatBuffer _attended;
    private readonly FloatBuffer _gates;
    private readonly FloatBuffer _gated;
    private readonly FloatBuffer _scores;
    private readonly FloatBuffer _logits;

    /// <summary>Takes memory for a number of rows, of which some may want logits.</summary>
    public DecoderBatch(PackedModel model, KeyValueLayout layout, int maxRows, int maxLogitRows)
    {
        (_model, _layout, _config, MaxRows) = (model, layout, model.Config, maxRows);
        _scale = 1f / MathF.Sqrt(_config.HeadSize);
        _sequences = new SequenceCache[maxRows];
        _tokens = new int[maxRows];
        _positions = new int[maxRows];
        _logitRows = new int[maxLogitRows];
        _stream = new FloatBuffer((long)maxRows * _config.HiddenSize);
        _normed = new FloatBuffer((long)maxRows * _config.HiddenSize);
        _queries = new FloatBuffer((long)maxRows * _config.QueryWidth);
        _keysValues = new FloatBuffer((long)maxRows * 2 * _config.KeyValueWidth);
        _attended = new FloatBuffer((long)maxRows * _config.QueryWidth);
        _gates = new FloatBuffer((long)maxRows * 2 * _config.IntermediateSize);
        _gated = new FloatBuffer((long)maxRows * _config.IntermediateSize);
        _scores = new FloatBuffer(2L * KeyValueLayout.PagePositions * KeyValueLayout.Pages(model.ContextLength));
        LogitStride = (_config.VocabularySize + 31) / 32 * 32 + 16;
        _logits = new FloatBuffer((long)maxLogitRows * LogitStride);
    }

    /// <summary>Most rows of a run.</summary>
    public int MaxRows { get; }

    private int Rows { get; set; }

    private int LogitRows { get; set; }

    private int LogitStride { get; }

    /// <summary>Begins a new batch.</summary>
    public void Clear() => (Rows, LogitRows) = (0, 0);

    /// <summary>Adds the next uncached positions of a sequence, which has pages for them; optionally asks for the logits of the last.</summary>
    public void Add(SequenceCache sequence, int count, bool wantsLogits)
    {
        for (var i = 0; i < count; i++)
        {
            _sequences[Rows] = sequence;
            _positions[Rows] = sequence.Cached + i;
            _tokens[Rows] = sequence.Tokens[sequence.Cached + i];
            Rows++;
        }

        if (wantsLogits)
            _logitRows[LogitRows++] = Rows - 1;
    }

    /// <summary>Logits of the n-th row that wanted them.</summary>
    public ReadOnlySpan<float> Logits(int index) => new(_logits.Pointer + ((nint)index * LogitStride), _config.VocabularySize);

    /// <summary>Works out all rows: their keys and values are in the pages afterwards, and the logits can be read.</summary>
    public void Run()
    {
        if (Rows == 0)
            return;

        Embed();
        for (var index = 0; index < _config.Layers; index++)
        {
            var layer = _model.Layers[index];
            KeysAndValues(layer, index);
            if (index == _config.Layers - 1)
                KeepLogitRows();
            if (Rows == 0)
                break;
            Attention(layer, index);
            Feed(layer);
        }

        if (Rows > 0)
            Head();
    }

    public void Dispose()
    {
        foreach (var buffer in new[] { _stream, _normed, _queries, _keysValues, _attended, _gates, _gated, _scores, _logits })
            buffer.Dispose();
    }

    private void Embed()
    {
        var hidden = _config.HiddenSize;
        for (var row = 0; row < Rows; row++)
            _model.Embed(_tokens[row], _stream.Pointer + ((nint)row * hidden));
    }

    // Of the last layer, rows without logits leave nothing behind but their keys and values.
    private void KeepLogitRows()
    {
        var hidden = _config.HiddenSize;
        for (var i = 0; i < LogitRows; i++)
        {
            var row = _logitRows[i];
            if (row == i)
                continue;
            (_sequences[i], _positions[i]) = (_sequences[row], _positions[row]);
            foreach (var buffer in (ReadOnlySpan<FloatBuffer>)[_stream, _normed])
                new ReadOnlySpan<float>(buffer.Pointer + ((nint)row * hidden), hidden).CopyTo(new Span<float>(buffer.Pointer + ((nint)i * hidden), hidden));
        }

        Rows = LogitRows;
    }

    private void KeysAndValues(PackedLayer layer, int index)
    {
        int hidden = _config.HiddenSize, keyWidth = _config.KeyValueWidth, headSize = _config.HeadSize;
        var keysValues = _keysValues.Pointer;
        RmsNorm.Forward(_stream.Pointer, hidden, Rows, hidden, layer.InputNorm, _config.NormEpsilon, _normed.Pointer, hidden);
        Gemm.Multiply(_normed.Pointer, hidden, Rows, layer.KeyValue, keysValues, 2 * keyWidth, layer.KeyValueBias);
        for (var row = 0; layer.KeyNorm is not null && row < Rows; row++)
        {
            var keys = keysValues + ((nint)row * 2 * keyWidth);
            RmsNorm.Forward(keys, headSize, _config.KeyValueHeads, headSize, layer.KeyNorm, _config.NormEpsilon, keys, headSize);
        }

        fixed (int* positions = _positions)
            Rotary.Apply(keysValues, 2 * keyWidth, Rows, _config.KeyValueHeads, headSize, positions, _model.Rotary.Cosines, _model.Rotary.Sines);
        StoreKeysValues(index);
    }

    private void Attention(PackedLayer layer, int index)
    {
        int hidden = _config.HiddenSize, queryWidth = _config.QueryWidth, headSize = _config.HeadSize;
        var queries = _queries.Pointer;
        Gemm.Multiply(_normed.Pointer, hidden, Rows, layer.Query, queries, queryWidth, layer.QueryBias);
        if (layer.QueryNorm is not null)
            RmsNorm.Forward(queries, headSize, Rows * _config.Heads, headSize, layer.QueryNorm, _config.NormEpsilon, queries, headSize);
        fixed (int* positions = _positions)
            Rotary.Apply(queries, queryWidth, Rows, _config.Heads, headSize, positions, _model.Rotary.Cosines, _model.Rotary.Sines);
        Attend(index);
        Gemm.Multiply(_attended.Pointer, queryWidth, Rows, layer.Output, _stream.Pointer, hidden, _stream.Pointer, hidden);
    }

    // All rows' keys go in before any row looks: rows of one sequence see each other.
    private void StoreKeysValues(int layer)
    {
        int keyWidth = _config.KeyValueWidth, headSize = _config.HeadSize;
        for (var row = 0; row < Rows; row++)
        {
            var page = (float*)_sequences[row].Pages[_positions[row] / KeyValueLayout.PagePositions];
            var slot = _positions[row] % KeyValueLayout.PagePositions;
            var keys = _keysValues.Pointer + ((nint)row * 2 * keyWidth);
            for (var head = 0; head < _config.KeyValueHeads; head++)
            {
                var key = keys + (head * headSize);
                CachedAttention.Store(page + _layout.Tile(layer, head), _layout, slot, key, key + keyWidth);
            }
        }
    }

    private void Attend(int layer)
    {
        var group = _config.HeadsPerKeyValue;
        for (var row = 0; row < Rows; row++)
        {
            var offset = (nint)row * _config.QueryWidth;
            fixed (nint* pages = _sequences[row].Pages)
            {
                for (var head = 0; head < _config.KeyValueHeads; head++)
                {
                    var tile = _layout.Tile(layer, head);
                    var first = offset + ((nint)head * group * _config.HeadSize);
                    CachedAttention.Attend(
                        pages, tile, _layout, _positions[row] + 1, _queries.Pointer + first, group, _scale, _scores.Pointer, _attended.Pointer + first);
                }
            }
        }
    }

    private void Feed(PackedLayer layer)
    {
        int hidden = _config.HiddenSize, inner = _config.IntermediateSize;
        RmsNorm.Forward(_stream.Pointer, hidden, Rows, hidden, layer.PostNorm, _config.NormEpsilon, _normed.Pointer, hidden);
        Gemm.Multiply(_normed.Pointer, hidden, Rows, layer.GateUp, _gates.Pointer, 2 * inner);
        SwiGlu.Forward(_gates.Pointer, 2 * inner, Rows, inner, _gated.Pointer, inner);
        Gemm.Multiply(_gated.Pointer, inner, Rows, layer.Down, _stream.Pointer, hidden, _stream.Pointer, hidden);
    }

    private void Head()
    {
        var hidden = _config.HiddenSize;
        RmsNorm.Forward(_stream.Pointer, hidden, Rows, hidden, _model.FinalNorm, _config.NormEpsilon, _normed.Pointer, hidden);
        Gemm.Multiply(_normed.Pointer, hidden, Rows, _model.Head, _logits.Pointer, LogitStride);
    }
}
