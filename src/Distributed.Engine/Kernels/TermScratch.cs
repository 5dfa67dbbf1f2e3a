namespace Distributed.Engine.Kernels;

/// <summary>One thread's x Down of a <see cref="LowRankTerm"/>, kept while it adds the term to one stretch of columns after the other.</summary>
internal sealed unsafe class TermScratch : IDisposable
{
    private FloatBuffer _middle = new(0);
    private LowRankTerm? _term;
    private long _phase;

    /// <summary>Adds the term's columns [column, column + columns) to C for m rows of A, which are the same rows as before if term and phase are.</summary>
    public void Add(LowRankTerm term, long phase, float* a, int lda, int m, int column, int columns, float* c, int ldc)
    {
        var stride = term.Stride;
        if (_term != term || _phase != phase)
        {
            if (_middle.Length < (long)m * stride)
            {
                _middle.Dispose();
                _middle = new FloatBuffer((long)m * stride);
            }

            Gemm.Multiply(a, lda, m, term.Down, _middle.Pointer, stride);
            (_term, _phase) = (term, phase);
        }

        Gemm.MultiplyColumns(_middle.Pointer, stride, m, term.Up, column, columns, c, ldc, c, ldc);
    }

    public void Dispose() => _middle.Dispose();
}
