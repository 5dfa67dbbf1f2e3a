using System.Runtime.InteropServices;
using Distributed.Engine.Generation;
using Distributed.Engine.Kernels;
using Distributed.Engine.Torch.Hosting;
using Distributed.Engine.Torch.Model;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Generation;

/// <summary>Runs the next positions of many sequences through the model; logits come back to the host, where tokens are drawn as the managed engine draws them.</summary>
/// <remarks>A run that memory is too short for is split by sequences. What it had written is written again, with the same values.</remarks>
internal sealed class DeviceBatch : IStepBatch
{
    private readonly TorchModel _model;
    private readonly DevicePages _pages;
    private readonly PassLimit _limit;
    private readonly FloatBuffer _logits;
    private readonly List<Segment> _segments = [];
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
        _logits = new FloatBuffer((long)maxLogitRows * model.Config.VocabularySize);
    }

    /// <inheritdoc/>
    public int MaxRows { get; }

    /// <inheritdoc/>
    public void Clear()
    {
        _segments.Clear();
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
        var rows = 0;
        foreach (var segment in segments)
            rows += segment.Count;
        var (tokens, positions, slots) = (new long[rows], new long[rows], new long[rows]);
        var active = new List<long>();
        var wanted = new List<int>();
        var at = 0;
        foreach (var segment in segments)
        {
            for (var i = 0; i < segment.Count; i++, at++)
            {
                positions[at] = segment.Start + i;
                tokens[at] = segment.Sequence.Tokens[segment.Start + i];
                slots[at] = DevicePages.Slot(segment.Sequence.Pages, segment.Start + i);
            }

            if (segment.LogitRow < 0)
                continue;
            active.Add(at - 1);
            wanted.Add(segment.LogitRow);
        }

        var device = _model.Device;
        var attention = new CachedTorchAttention(_pages, segments, tensor(slots, device: device), device);
        var hidden = _model.Decoder.Forward(
            tensor(tokens, device: device), tensor(positions, device: device), attention, tensor(active.ToArray(), device: device));
        if (wanted.Count == 0)
            return;
        Read(_model.Head.Logits(hidden).cpu().contiguous().bytes, wanted);
    }

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
    internal readonly record struct Segment(SequenceCache Sequence, int Start, int Count, int LogitRow);
}
