using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>
/// Single-threaded float32 matrix products. Every element of C is one chain of multiply-adds over k in ascending order, started at
/// zero, the addend added last. So the bits of a row of C depend neither on how many rows the call has nor on the row's place in it.
/// </summary>
internal static unsafe class Gemm
{
    private const int Width = PackedMatrix.PanelWidth;

    /// <summary>C[m, N] = [add +] A[m, K] * B.</summary>
    /// <param name="a">Row-major, <paramref name="lda"/> floats from row to row.</param>
    /// <param name="lda">Row stride of A.</param>
    /// <param name="m">Rows.</param>
    /// <param name="b">The packed right-hand side.</param>
    /// <param name="c">Result, may be the same memory as <paramref name="add"/>, not as <paramref name="a"/>.</param>
    /// <param name="ldc">Row stride of C.</param>
    /// <param name="add">Optional addend [m, N]; with stride 0 one row (a bias) for all.</param>
    /// <param name="ldAdd">Row stride of the addend.</param>
    public static void Multiply(float* a, int lda, int m, PackedMatrix b, float* c, int ldc, float* add = null, int ldAdd = 0) =>
        MultiplyPanels(Simd.Path, a, lda, m, b.Panels, b.K, b.K, b.N, c, ldc, add, ldAdd);

    /// <summary>As <see cref="Multiply"/> on bare panels that are <paramref name="panelDepth"/> rows deep, of which the first <paramref name="k"/> count.</summary>
    public static void MultiplyPanels(
        float* a, int lda, int m, float* panels, int panelDepth, int k, int n, float* c, int ldc, float* add = null, int ldAdd = 0) =>
        MultiplyPanels(Simd.Path, a, lda, m, panels, panelDepth, k, n, c, ldc, add, ldAdd);

    internal static void MultiplyPanels(
        SimdPath path, float* a, int lda, int m, float* panels, int panelDepth, int k, int n, float* c, int ldc, float* add, int ldAdd)
    {
        for (var column = 0; column < n; column += Width)
        {
            var panel = panels + ((nint)column * panelDepth);
            Strips<PlainForm>(path, a, lda, m, panel, Width, k, c + column, ldc, add is null ? null : add + column, ldAdd, Math.Min(Width, n - column));
        }
    }

    /// <summary>C[m, n] += A^T * B with A [k, m] and B [k, n] row-major: the gradient of a Linear weight [out, in] from dY and X.</summary>
    public static void AccumulateTransposed(float* a, int lda, int m, float* b, int ldb, int n, int k, float* c, int ldc) =>
        AccumulateTransposed(Simd.Path, a, lda, m, b, ldb, n, k, c, ldc);

    internal static void AccumulateTransposed(SimdPath path, float* a, int lda, int m, float* b, int ldb, int n, int k, float* c, int ldc)
    {
        var whole = n / Width * Width;
        for (var column = 0; column < whole; column += Width)
            Strips<TransposedForm>(path, a, lda, m, b + column, ldb, k, c + column, ldc, c + column, ldc, Width);
        if (whole < n)
            AccumulateTail(path, a, lda, m, b + whole, ldb, n - whole, k, c + whole, ldc);
    }

    // Columns that fill no panel are copied beside zeros first, a bounded piece of k at a time.
    private static void AccumulateTail(SimdPath path, float* a, int lda, int m, float* b, int ldb, int n, int k, float* c, int ldc)
    {
        const int Depth = 128;
        var panel = stackalloc float[Depth * Width];
        for (var start = 0; start < k; start += Depth)
        {
            var depth = Math.Min(Depth, k - start);
            PanelPacking.PackRows(b + ((nint)start * ldb), ldb, depth, n, panel, depth);
            Strips<TransposedForm>(path, a + ((nint)start * lda), lda, m, panel, Width, depth, c, ldc, c, ldc, n);
        }
    }

    private static void Strips<TForm>(
        SimdPath path, float* a, nint lda, int m, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int columns)
        where TForm : struct, ITileForm
    {
        var highest = path switch { SimdPath.Avx512 => GemmAvx512.MaxRows, SimdPath.Avx2 => GemmAvx2.MaxRows, _ => GemmVector.MaxRows };
        var aStep = TForm.Transposed ? 1 : lda;
        var strips = (m + highest - 1) / highest;
        for (var row = 0; strips > 0; strips--)
        {
            // Equal heights: a lone row at the end would leave the multiply units idle.
            var rows = path == SimdPath.Vector ? Math.Min(highest, m - row) : (m - row + strips - 1) / strips;
            var addRow = add is null ? null : add + (row * ldAdd);
            if (columns == Width)
                Tile<TForm>(path, rows, a + (row * aStep), lda, b, ldb, k, c + (row * ldc), ldc, addRow, ldAdd);
            else
                Edge<TForm>(path, rows, a + (row * aStep), lda, b, ldb, k, c + (row * ldc), ldc, addRow, ldAdd, columns);
            row += rows;
        }
    }

    private static void Edge<TForm>(
        SimdPath path, int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int columns)
        where TForm : struct, ITileForm
    {
        var tile = stackalloc float[GemmAvx512.MaxRows * Width];
        Tile<TForm>(path, rows, a, lda, b, ldb, k, tile, Width, null, 0);
        for (var row = 0; row < rows; row++)
        {
            var from = tile + (row * Width);
            var to = c + (row * ldc);
            if (add is null)
            {
                for (var column = 0; column < columns; column++)
                    to[column] = from[column];
            }
            else
            {
                var addRow = add + (row * ldAdd);
                for (var column = 0; column < columns; column++)
                    to[column] = addRow[column] + from[column];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile<TForm>(
        SimdPath path, int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TForm : struct, ITileForm
    {
        if (path == SimdPath.Avx512)
            GemmAvx512.Tile<TForm>(rows, a, lda, b, ldb, k, c, ldc, add, ldAdd);
        else if (path == SimdPath.Avx2)
            GemmAvx2.Tile<TForm>(rows, a, lda, b, ldb, k, c, ldc, add, ldAdd);
        else
            GemmVector.Tile<TForm>(rows, a, lda, b, ldb, k, c, ldc, add, ldAdd);
    }
}
