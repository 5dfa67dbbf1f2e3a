using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>A token whose probability is wanted, and the row that predicts it.</summary>
internal readonly record struct RowTarget(int Row, int Token);

/// <summary>
/// Logits, log-probabilities and their gradient for hidden states, on one thread. They are worked out some rows at a time, and those of a bounded
/// number of rows exist at once, never [rows, V] of a long sequence with a large vocabulary. Between <see cref="Forward"/> and <see cref="Backward"/> they are
/// kept if they are that few, else worked out again.
/// </summary>
internal sealed unsafe class HeadPass : IDisposable
{
    private const int MostRows = 256;
    private const int MostLogits = 1 << 21;

    /// <summary>Most logits kept from a forward pass for its backward pass: 20 MiB.</summary>
    private const int MostKept = 5 << 20;
    private readonly PackedModel _model;
    private readonly int _stride;
    private FloatBuffer _logits;
    private FloatBuffer _sums;
    private bool _kept;

    public HeadPass(PackedModel model)
    {
        _model = model;
        _stride = Stride(model.Config);
        ChunkRows = RowsAtOnce(_stride);
        _logits = new FloatBuffer((long)ChunkRows * _stride);
        _sums = new FloatBuffer(ChunkRows);
    }

    /// <summary>Floats that a pass over a number of rows takes when a backward pass follows; without one it takes those of a single row's.</summary>
    public static long FloatsFor(ModelConfig config, int rows) => (Stride(config) + 1L) * RoomFor(rows, Stride(config));

    /// <summary>Rows worked out at once.</summary>
    public int ChunkRows { get; }

    /// <summary>Log-probabilities only.</summary>
    /// <param name="hidden">[rows, d].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="targets">In ascending order of row; a row may have several or none.</param>
    /// <param name="logProbs">Out: nats, per target.</param>
    public void LogProbs(float* hidden, int rows, ReadOnlySpan<RowTarget> targets, Span<float> logProbs)
    {
        _kept = false;
        var at = 0;
        for (var first = 0; first < rows; first += ChunkRows)
        {
            var count = Math.Min(ChunkRows, rows - first);
            Logits(hidden, first, count);
            for (var row = 0; row < count; row++)
            {
                if (at == targets.Length || targets[at].Row != first + row)
                    continue;
                var logits = _logits.Pointer + ((long)row * _stride);
                var logSum = Softmax.LogSumExp(logits, _model.Config.VocabularySize);
                for (; at < targets.Length && targets[at].Row == first + row; at++)
                    logProbs[at] = logits[targets[at].Token] - logSum;
            }
        }
    }

    /// <summary>Log-probability of one target per row, and the entropy of each row's distribution.</summary>
    /// <param name="hidden">[rows, d].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="targets">Token per row.</param>
    /// <param name="logProbs">Out: nats.</param>
    /// <param name="entropies">Out: nats.</param>
    public void Forward(float* hidden, int rows, ReadOnlySpan<int> targets, Span<float> logProbs, Span<float> entropies)
    {
        var room = RoomFor(rows, _stride);
        _kept = room >= rows;
        Reserve(room);
        for (var first = 0; first < rows; first += ChunkRows)
            Exponentials(hidden, first, Math.Min(ChunkRows, rows - first), targets, logProbs, entropies);
    }

    /// <summary>Gradients after <see cref="Forward"/> on the same rows.</summary>
    /// <param name="hidden">[rows, d].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="targets">Token per row.</param>
    /// <param name="dLogProbs">d loss / d log-probability, per row.</param>
    /// <param name="dHidden">Out: [rows, d], overwritten.</param>
    /// <param name="dHead">[V, d], added to; null if it is not wanted.</param>
    public void Backward(float* hidden, int rows, ReadOnlySpan<int> targets, ReadOnlySpan<float> dLogProbs, float* dHidden, float* dHead)
    {
        int hiddenSize = _model.Config.HiddenSize, vocabulary = _model.Config.VocabularySize;
        for (var first = 0; first < rows; first += ChunkRows)
        {
            var count = Math.Min(ChunkRows, rows - first);
            if (!_kept)
                Exponentials(hidden, first, count, targets, default, default);
            var logits = LogitsOf(first);
            var sums = SumsOf(first);
            for (var row = 0; row < count; row++)
                sums[row] *= -dLogProbs[first + row];
            AttentionRows.Scale(logits, _stride, count, vocabulary, sums);
            for (var row = 0; row < count; row++)
                logits[((long)row * _stride) + targets[first + row]] += dLogProbs[first + row];
            var part = (long)first * hiddenSize;
            Gemm.Multiply(logits, _stride, count, _model.HeadBackward!, dHidden + part, hiddenSize);
            if (dHead is not null)
                Gemm.AccumulateTransposed(logits, _stride, vocabulary, hidden + part, hiddenSize, hiddenSize, count, dHead, hiddenSize);
        }

        _kept = false;
    }

    public void Dispose()
    {
        _logits.Dispose();
        _sums.Dispose();
    }

    private static int Stride(ModelConfig config) => ((config.VocabularySize + 31) / 32 * 32) + 16;

    private static int RowsAtOnce(int stride) => Math.Clamp(MostLogits / stride, 12, MostRows);

    // Rows there must be room for: all of them if their logits may be kept.
    private static int RoomFor(int rows, int stride) => (long)rows * stride <= MostKept ? Math.Max(rows, RowsAtOnce(stride)) : RowsAtOnce(stride);

    // Where a chunk's logits are that begins with this row, and its sums.
    private float* LogitsOf(int first) => _logits.Pointer + (_kept ? (long)first * _stride : 0);

    private float* SumsOf(int first) => _sums.Pointer + (_kept ? first : 0);

    private void Reserve(int rows)
    {
        if (rows <= _sums.Length)
            return;
        _logits.Dispose();
        _sums.Dispose();
        _logits = new FloatBuffer((long)rows * _stride);
        _sums = new FloatBuffer(rows);
    }

    private void Logits(float* hidden, int first, int count) =>
        Gemm.Multiply(
            hidden + ((long)first * _model.Config.HiddenSize), _model.Config.HiddenSize, count, _model.Head, LogitsOf(first), _stride);

    // Leaves e^(logit - max) in the logits' place and 1 / sum in _sums.
    private void Exponentials(float* hidden, int first, int count, ReadOnlySpan<int> targets, Span<float> logProbs, Span<float> entropies)
    {
        Logits(hidden, first, count);
        var sums = SumsOf(first);
        for (var row = 0; row < count; row++)
        {
            var logits = LogitsOf(first) + ((long)row * _stride);
            var chosen = logits[targets[first + row]];
            var sum = Softmax.ExponentiateWithEntropy(logits, _model.Config.VocabularySize, out var max, out var entropy);
            sums[row] = 1f / sum;
            if (logProbs.IsEmpty)
                continue;
            logProbs[first + row] = chosen - max - MathF.Log(sum);
            entropies[first + row] = entropy;
        }
    }
}
