using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>A token whose probability is wanted, and the row that predicts it.</summary>
internal readonly record struct RowTarget(int Row, int Token);

/// <summary>
/// Logits, log-probabilities and their gradient for hidden states, on one thread. The logits of a bounded number of rows exist at a time,
/// never [rows, V] of a long sequence with a large vocabulary.
/// </summary>
internal sealed unsafe class HeadPass : IDisposable
{
    private const int MostRows = 256;
    private const int MostLogits = 1 << 21;
    private readonly PackedModel _model;
    private readonly int _stride;
    private readonly FloatBuffer _logits;
    private readonly FloatBuffer _sums = new(MostRows);
    private bool _kept;

    public HeadPass(PackedModel model)
    {
        _model = model;
        _stride = Stride(model.Config);
        ChunkRows = RowsAtOnce(_stride);
        _logits = new FloatBuffer((long)ChunkRows * _stride);
    }

    /// <summary>Floats one pass takes, whatever the number of rows.</summary>
    public static long FloatsFor(ModelConfig config) => ((long)RowsAtOnce(Stride(config)) * Stride(config)) + MostRows;

    /// <summary>Rows whose logits fit at once.</summary>
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
        for (var first = 0; first < rows; first += ChunkRows)
        {
            var count = Math.Min(ChunkRows, rows - first);
            Exponentials(hidden, first, count, targets, logProbs, entropies);
        }

        _kept = rows <= ChunkRows;
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
            for (var row = 0; row < count; row++)
                _sums.Pointer[row] *= -dLogProbs[first + row];
            AttentionRows.Scale(_logits.Pointer, _stride, count, vocabulary, _sums.Pointer);
            for (var row = 0; row < count; row++)
                _logits.Pointer[((long)row * _stride) + targets[first + row]] += dLogProbs[first + row];
            var part = (long)first * hiddenSize;
            Gemm.Multiply(_logits.Pointer, _stride, count, _model.HeadBackward!, dHidden + part, hiddenSize);
            if (dHead is not null)
                Gemm.AccumulateTransposed(_logits.Pointer, _stride, vocabulary, hidden + part, hiddenSize, hiddenSize, count, dHead, hiddenSize);
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

    private void Logits(float* hidden, int first, int count) =>
        Gemm.Multiply(
            hidden + ((long)first * _model.Config.HiddenSize), _model.Config.HiddenSize, count, _model.Head, _logits.Pointer, _stride);

    // Leaves e^(logit - max) in the logits' place and 1 / sum in _sums.
    private void Exponentials(float* hidden, int first, int count, ReadOnlySpan<int> targets, Span<float> logProbs, Span<float> entropies)
    {
        Logits(hidden, first, count);
        for (var row = 0; row < count; row++)
        {
            var logits = _logits.Pointer + ((long)row * _stride);
            var chosen = logits[targets[first + row]];
            var sum = Softmax.ExponentiateWithEntropy(logits, _model.Config.VocabularySize, out var max, out var entropy);
            _sums.Pointer[row] = 1f / sum;
            if (logProbs.IsEmpty)
                continue;
            logProbs[first + row] = chosen - max - MathF.Log(sum);
            entropies[first + row] = entropy;
        }
    }
}
