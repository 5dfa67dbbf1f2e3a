using System.Runtime.InteropServices;
using Distributed.Engine.Generation;
using Distributed.Engine.Kernels;
using Distributed.Engine.Torch.Hosting;
using Distributed.Engine.Torch.Model;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Generation;

/// <summary>
/// Runs the next positions of many sequences through the model and draws their tokens there; the logits of those that are drawn under filters come to the host.
/// </summary>
/// <remarks>A run that memory is too short for is split by sequences. What it had written is written again, with the same values.</remarks>
internal sealed class DeviceBatch : IStepBatch
{
    private readonly TorchModel _model;
    private readonly DevicePages _pages;
    private readonly PassLimit _limit;
    private readonly FloatBuffer _logits;
    private readonly List<Segment> _segments = [];
    private readonly List<(SamplingOptions Sampling, double Uniform)> _wishes = [];
    private readonly Draw?[] _draws;
    private int _rows;
    private int _logitRows;

    /// <param name="model">The model; not owned.</param>
    /// <param name="pages">Where keys and values are; not owned.</param>
    /// <param name="limit">Most sequences of a run.</param>
    /// <param name="maxRows">Most rows of a batch.</param>
    /// <param name="maxLogitRows">Most rows whose logits are wanted.</param>
    public DeviceBatch(TorchModel model, DevicePages pages, PassLimit limit, int maxRows, int maxLogitRows)
    {
        (_model, _pages, _limit, MaxRows) = (model, pages, limit, maxRows);
        _draws = new Draw?[maxLogitRows];
        _logits = new FloatBuffer((long)maxLogitRows * model.Config.VocabularySize);
    }

    /// <inheritdoc/>
    public int MaxRows { get; }

    /// <inheritdoc/>
    public void Clear()
    {
        _segments.Clear();
        _wishes.Clear();
        (_rows, _logitRows) = (0, 0);
    }

    /// <inheritdoc/>
    public void Add(SequenceCache sequence, int count, bool wantsLogits)
    {
        if (count > 0)
            _segments.Add(new Segment(sequence, sequence.Cached, count, wantsLogits ? _logitRows++ : -1));
        _rows += count;
    }

    /// <inheritdoc/>
    public void WillDraw(SamplingOptions sampling, double uniform) => _wishes.Add((sampling, uniform));

    /// <inheritdoc/>
    public Draw? Drawn(int index) => _draws[index];

    /// <inheritdoc/>
    public void Run()
    {
        using var quiet = no_grad();
        for (var first = 0; first < _segments.Count;)
        {
            var count = Math.Min(_limit.Most, _segments.Count - first);
            try
            {
                _limit.Before?.Invoke(count);
                Run(CollectionsMarshal.AsSpan(_segments).Slice(first, count));
                first += count;
            }
            catch (Exception error) when (PassLimit.IsOutOfMemory(error))
            {
                GC.Collect();
                if (!_limit.Halve(count, 1))
                    throw;
            }
        }
    }

    /// <inheritdoc/>
    public unsafe ReadOnlySpan<float> Logits(int index) =>
        new(_logits.Pointer + ((long)index * _model.Config.VocabularySize), _model.Config.VocabularySize);

    public void Dispose() => _logits.Dispose();

    private void Run(ReadOnlySpan<Segment> segments)
    {
        using var scope = NewDisposeScope();
        var (tokens, positions, active, wanted) = (new List<long>(), new List<long>(), new List<long>(), new List<int>());
        foreach (var segment in segments)
        {
            for (var position = segment.Start; position < segment.End; position++)
            {
                positions.Add(position);
                tokens.Add(segment.Sequence.Tokens[position]);
            }

            if (segment.LogitRow < 0)
                continue;
            active.Add(tokens.Count - 1);
            wanted.Add(segment.LogitRow);
        }

        var upload = new Upload();
        var (tokenPart, positionPart, activePart) = (upload.Add(tokens), upload.Add(positions), upload.Add(active));
        var attention = new CachedTorchAttention(_pages, segments, upload);
        upload.Send(_model.Device);
        attention.Prepare();
        var hidden = _model.Decoder.Forward(upload[tokenPart], upload[positionPart], attention, upload[activePart]);
        if (wanted.Count > 0)
            Answer(_model.Head.Logits(hidden), wanted);
    }

    private void Answer(Tensor logits, List<int> wanted)
    {
        var (drawn, read) = (new List<int>(), new List<int>());
        for (var i = 0; i < wanted.Count; i++)
            (wanted[i] < _wishes.Count && DeviceDraw.Can(_wishes[wanted[i]].Sampling, _model.Config.VocabularySize) ? drawn : read).Add(i);
        if (drawn.Count > 0)
        {
            var draws = DeviceDraw.From(Rows(logits, drawn, wanted.Count), [.. drawn.Select(i => _wishes[wanted[i]])]);
            for (var i = 0; i < drawn.Count; i++)
                _draws[wanted[drawn[i]]] = draws[i];
        }

        if (read.Count == 0)
            return;
        foreach (var i in read)
            _draws[wanted[i]] = null;
        Read(Rows(logits, read, wanted.Count).cpu().contiguous().bytes, [.. read.Select(i => wanted[i])]);
    }

    private static Tensor Rows(Tensor logits, List<int> rows, int all) =>
        rows.Count == all ? logits : logits.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: logits.device));

    private unsafe void Read(ReadOnlySpan<byte> logits, List<int> wanted)
    {
        var rowBytes = _model.Config.VocabularySize * sizeof(float);
        for (var i = 0; i < wanted.Count; i++)
            logits.Slice(i * rowBytes, rowBytes).CopyTo(new Span<byte>(_logits.Pointer + ((long)wanted[i] * _model.Config.VocabularySize), rowBytes));
    }

    /// <summary>Consecutive positions of a sequence.</summary>
    /// <param name="Sequence">Which.</param>
    /// <param name="Start">The first position.</param>
    /// <param name="Count">How many.</param>
    /// <param name="LogitRow">Where the last one's logits go, or -1.</param>
    internal readonly record struct Segment(SequenceCache Sequence, int Start, int Count, int LogitRow)
    {
        /// <summary>The position after the last.</summary>
        public int End => Start + Count;
    }
}
