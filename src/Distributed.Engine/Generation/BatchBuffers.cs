using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Generation;

/// <summary>A batch's memory between the phases. What products read is strided so that rows do not fall on the same sets of the cache.</summary>
internal sealed unsafe class BatchBuffers : IDisposable
{
    private const int Skew = 16;

    private readonly FloatBuffer[] _normed;
    private readonly TermScratch[] _terms;

    public BatchBuffers(PackedModel model, int maxRows, int threads)
    {
        var config = model.Config;
        HiddenStride = config.HiddenSize + Skew;
        AttendedStride = config.QueryWidth + Skew;
        GatedStride = config.IntermediateSize + Skew;
        LogitStride = ((config.VocabularySize + 31) / 32 * 32) + Skew;
        Stream = new FloatBuffer((long)maxRows * config.HiddenSize);
        Queries = new FloatBuffer((long)maxRows * config.QueryWidth);
        KeysValues = new FloatBuffer((long)maxRows * 2 * config.KeyValueWidth);
        Attended = new FloatBuffer((long)maxRows * AttendedStride);
        Gates = new FloatBuffer((long)maxRows * 2 * config.IntermediateSize);
        Gated = new FloatBuffer((long)maxRows * GatedStride);
        Logits = new FloatBuffer(0);
        _normed = new FloatBuffer[threads];
        for (var thread = 0; thread < threads; thread++)
            _normed[thread] = new FloatBuffer((long)maxRows * HiddenStride);
        _terms = [.. Enumerable.Range(0, threads).Select(_ => new TermScratch())];
    }

    /// <summary>The residual stream, [rows, d].</summary>
    public FloatBuffer Stream { get; }

    /// <summary>[rows, heads * headSize].</summary>
    public FloatBuffer Queries { get; }

    /// <summary>[rows, 2 * kvHeads * headSize].</summary>
    public FloatBuffer KeysValues { get; }

    /// <summary>[rows, <see cref="AttendedStride"/>].</summary>
    public FloatBuffer Attended { get; }

    public int AttendedStride { get; }

    /// <summary>[rows, 2 * intermediate].</summary>
    public FloatBuffer Gates { get; }

    /// <summary>[rows, <see cref="GatedStride"/>].</summary>
    public FloatBuffer Gated { get; }

    public int GatedStride { get; }

    /// <summary>[rows that want logits, <see cref="LogitStride"/>].</summary>
    public FloatBuffer Logits { get; private set; }

    public int LogitStride { get; }

    public int HiddenStride { get; }

    /// <summary>A thread's own copy of the normed stream, [rows, <see cref="HiddenStride"/>].</summary>
    public float* Normed(int thread) => _normed[thread].Pointer;

    /// <summary>A thread's own room for what adapters add to products.</summary>
    public TermScratch Term(int thread) => _terms[thread];

    /// <summary>Makes room for the logits of a number of rows; a large vocabulary is not paid for before it is needed.</summary>
    public void ReserveLogits(int rows)
    {
        var needed = (long)rows * LogitStride;
        if (needed <= Logits.Length)
            return;
        var length = Math.Max(needed, 2 * Logits.Length);
        Logits.Dispose();
        Logits = new FloatBuffer(length);
    }

    public void Dispose()
    {
        foreach (var buffer in (FloatBuffer[])[Stream, Queries, KeysValues, Attended, Gates, Gated, Logits, .. _normed])
            buffer.Dispose();
        foreach (var term in _terms)
            term.Dispose();
    }
}
