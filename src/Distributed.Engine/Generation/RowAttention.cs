using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Generation;

/// <summary>A batch's attention: of one segment and one key/value head at a time, which depend on no other.</summary>
internal sealed unsafe class RowAttention : IDisposable
{
    private readonly PackedModel _model;
    private readonly ModelConfig _config;
    private readonly KeyValueLayout _layout;
    private readonly BatchRows _rows;
    private readonly BatchBuffers _buffers;
    private readonly FloatBuffer[] _scores;
    private readonly float _scale;

    public RowAttention(PackedModel model, KeyValueLayout layout, BatchRows rows, BatchBuffers buffers, int threads)
    {
        (_model, _config, _layout, _rows, _buffers) = (model, model.Config, layout, rows, buffers);
        _scale = 1f / MathF.Sqrt(_config.HeadSize);
        _scores = new FloatBuffer[threads];
        for (var thread = 0; thread < threads; thread++)
            _scores[thread] = new FloatBuffer(2L * KeyValueLayout.PagePositions * KeyValueLayout.Pages(model.ContextLength));
    }

    /// <summary>Puts a layer's keys and values of a segment's rows into its pages: all of them before any row looks, as the rows see each other.</summary>
    public void Store(int index, int segment, int head)
    {
        var layer = _model.Layers[index];
        int keyWidth = _config.KeyValueWidth, stride = 2 * keyWidth, headSize = _config.HeadSize, first = _rows.Start(segment), rows = _rows.Start(segment + 1) - first;
        var keys = _buffers.KeysValues.Pointer + ((nint)first * stride) + (head * headSize);
        if (layer.KeyNorm is not null)
            RmsNorm.Forward(keys, stride, rows, headSize, layer.KeyNorm, _config.NormEpsilon, keys, stride);
        fixed (int* positions = _rows.Positions[first..])
            Rotary.Apply(keys, stride, rows, 1, headSize, positions, _model.Rotary.Cosines, _model.Rotary.Sines);
        var pages = _rows.Sequence(segment).Pages;
        for (var row = 0; row < rows; row++)
        {
            var position = _rows.Positions[first + row];
            var page = (float*)pages[position / KeyValueLayout.PagePositions];
            var key = keys + ((nint)row * stride);
            CachedAttention.Store(page + _layout.Tile(index, head), _layout, position % KeyValueLayout.PagePositions, key, key + keyWidth);
        }
    }

    /// <summary>What a segment's rows see of their sequence.</summary>
    public void Attend(int index, int segment, int head, int thread)
    {
        int first = _rows.Start(segment), rows = _rows.Start(segment + 1) - first;
        Attend(index, _rows.Sequence(segment), _rows.Positions.Slice(first, rows), first, head, thread);
    }

    /// <summary>What rows at these positions of a sequence see of it; their queries are those of the buffers' rows from <paramref name="first"/> on.</summary>
    public void Attend(int index, SequenceCache sequence, ReadOnlySpan<int> positions, int first, int head, int thread)
    {
        int group = _config.HeadsPerKeyValue, headSize = _config.HeadSize, rows = positions.Length;
        var layer = _model.Layers[index];
        var queries = _buffers.Queries.Pointer + ((nint)first * _config.QueryWidth) + (head * group * headSize);
        for (var row = 0; row < rows && layer.QueryNorm is not null; row++)
        {
            var query = queries + ((nint)row * _config.QueryWidth);
            RmsNorm.Forward(query, headSize, group, headSize, layer.QueryNorm, _config.NormEpsilon, query, headSize);
        }

        var attended = _buffers.Attended.Pointer + ((nint)first * _buffers.AttendedStride) + (head * group * headSize);
        fixed (int* position = positions)
        fixed (nint* pages = sequence.Pages)
        {
            Rotary.Apply(queries, _config.QueryWidth, rows, group, headSize, position, _model.Rotary.Cosines, _model.Rotary.Sines);
            for (var row = 0; row < rows; row++)
            {
                CachedAttention.Attend(
                    pages, _layout.Tile(index, head), _layout, position[row] + 1, queries + ((nint)row * _config.QueryWidth), group, _scale,
                    _scores[thread].Pointer, attended + ((nint)row * _buffers.AttendedStride));
            }
        }
    }

    public void Dispose()
    {
        foreach (var scores in _scores)
            scores.Dispose();
    }
}
