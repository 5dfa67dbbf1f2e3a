namespace Distributed.Engine.Kernels;

/// <summary>
/// An addition to a product y = x B: y += (x Down) Up, with Down [K, rank] and Up [rank, N]. The sum of both is a product with B + Down Up,
/// which is never formed (low-rank adaptation, Hu et al. 2021, 2106.09685).
/// </summary>
/// <param name="down">[K, rank]; taken over.</param>
/// <param name="up">[rank, N], the scale included; taken over.</param>
internal sealed class LowRankTerm(PackedMatrix down, PackedMatrix up) : IDisposable
{
    private const int BlockRows = 256;

    [ThreadStatic]
    private static FloatBuffer? t_middle;

    public PackedMatrix Down { get; } = down;

    public PackedMatrix Up { get; } = up;

    /// <summary>Floats from row to row of x Down.</summary>
    public int Stride => (Down.N + 15) / 16 * 16;

    /// <summary>Adds the term's columns [column, column + columns) to C, whose first column that is, for m rows of A. <paramref name="column"/> is a multiple of 32.</summary>
    public unsafe void Add(float* a, int lda, int m, int column, int columns, float* c, int ldc)
    {
        var stride = Stride;
        var floats = (long)Math.Min(m, BlockRows) * stride;
        if (t_middle is null || t_middle.Length < floats)
        {
            t_middle?.Dispose();
            t_middle = new FloatBuffer(floats);
        }

        for (var row = 0; row < m; row += BlockRows)
        {
            var rows = Math.Min(BlockRows, m - row);
            var to = c + ((nint)row * ldc);
            Gemm.Multiply(a + ((nint)row * lda), lda, rows, Down, t_middle.Pointer, stride);
            Gemm.MultiplyColumns(t_middle.Pointer, stride, rows, Up, column, columns, to, ldc, to, ldc);
        }
    }

    public void Dispose()
    {
        Down.Dispose();
        Up.Dispose();
    }
}
