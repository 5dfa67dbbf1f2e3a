using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>
/// Single-threaded float32 matrix products. Every element of C is one chain of multiply-adds over k in ascending order, started at
/// zero, the addend added last. So the bits of a row of C depend neither on how many rows the call has nor on the row's place in it.
/// </summary>
internal static unsafe class Gemm
{
    private const int Width = PackedMatrix.PanelWidth;

    // Up to this depth a tile is over so soon that the panels are walked inside it.
    private const int ShallowDepth = 64;

    [ThreadStatic]
    private static GemmScratch? t_scratch;

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
        MultiplyColumns(a, lda, m, b, 0, b.N, c, ldc, add, ldAdd);

    /// <summary>
    /// Columns [column, column + columns) of <see cref="Multiply"/>, the first of them a multiple of 32; C and the addend begin with that column. The bits do not
    /// depend on how the columns are shared out.
    /// </summary>
    public static void MultiplyColumns(
        float* a, int lda, int m, PackedMatrix b, int column, int columns, float* c, int ldc, float* add = null, int ldAdd = 0)
    {
        MultiplyWithoutTerm(a, lda, m, b, column, columns, c, ldc, add, ldAdd);
        b.Term?.Add(a, lda, m, column, columns, c, ldc);
    }

    /// <summary>As <see cref="MultiplyColumns"/>, but for <see cref="PackedMatrix.Term"/>, which the caller adds by itself.</summary>
    public static void MultiplyWithoutTerm(float* a, int lda, int m, PackedMatrix b, int column, int columns, float* c, int ldc, float* add, int ldAdd)
    {
        if (b.Half is { } half)
            GemmHalf.Multiply(a, lda, m, half, column, columns, c, ldc, add, ldAdd);
        else
            MultiplyPanels(Simd.Path, a, lda, m, b.Panels + ((nint)column * b.K), b.K, b.K, columns, c, ldc, add, ldAdd);
    }

    /// <summary>As <see cref="Multiply"/> on bare panels that are <paramref name="panelDepth"/> rows deep, of which the first <paramref name="k"/> count.</summary>
    public static void MultiplyPanels(
        float* a, int lda, int m, float* panels, int panelDepth, int k, int n, float* c, int ldc, float* add = null, int ldAdd = 0) =>
        MultiplyPanels(Simd.Path, a, lda, m, panels, panelDepth, k, n, c, ldc, add, ldAdd);

    internal static void MultiplyPanels(
        SimdPath path, float* a, int lda, int m, float* panels, int panelDepth, int k, int n, float* c, int ldc, float* add, int ldAdd)
    {
        var whole = n / Width;
        var height = BlockRows(path, m, k);
        var end = panels + ((nint)whole * Width * panelDepth);
        for (var row = 0; row < m; row += height, a += (nint)height * lda, c += (nint)height * ldc, add = add is null ? null : add + ((nint)height * ldAdd))
        {
            var rows = Math.Min(height, m - row);
            if (k <= ShallowDepth)
                Strips<PlainForm>(path, a, lda, rows, panels, Width, k, c, ldc, add, ldAdd, whole, (nint)Width * panelDepth, null);
            else
                for (var panel = 0; panel < whole; panel++)
                {
                    var from = panels + ((nint)panel * Width * panelDepth);
                    var next = from + ((nint)Width * panelDepth);
                    var to = c + (panel * Width);
                    var addTo = add is null ? null : add + (panel * Width);
                    if (path == SimdPath.Avx2)
                        GemmAvx2.Panel(a, lda, rows, from, k, to, ldc, addTo, ldAdd, end);
                    else
                        Strips<PlainForm>(path, a, lda, rows, from, Width, k, to, ldc, addTo, ldAdd, 1, 0, next < end ? next : null);
                }

            var column = whole * Width;
            if (column < n)
                Edges<PlainForm>(
                    path, a, lda, rows, panels + ((nint)column * panelDepth), Width, k, c + column, ldc, add is null ? null : add + column, ldAdd, n - column);
        }
    }

    /// <summary>C[m, n] += A^T * B with A [k, m] and B [k, n] row-major: the gradient of a Linear weight [out, in] from dY and X.</summary>
    public static void AccumulateTransposed(float* a, int lda, int m, float* b, int ldb, int n, int k, float* c, int ldc) =>
        AccumulateTransposed(Simd.Path, a, lda, m, b, ldb, n, k, c, ldc);

    internal static void AccumulateTransposed(SimdPath path, float* a, int lda, int m, float* b, int ldb, int n, int k, float* c, int ldc)
    {
        if (n > Width && m > 2 * GemmAvx512.MaxRows)
        {
            AccumulatePacked(path, a, lda, m, b, ldb, n, k, c, ldc);
            return;
        }

        var whole = n / Width * Width;
        for (var column = 0; column < whole; column += Width)
            Strips<TransposedForm>(path, a, lda, m, b + column, ldb, k, c + column, ldc, c + column, ldc, 1, 0, null);
        if (whole < n)
            AccumulateTail(path, a, lda, m, b + whole, ldb, n - whole, k, c + whole, ldc);
    }

    // Both sides are read many times over and lie far apart in memory: they are copied together first, reading each row once and in order.
    private static void AccumulatePacked(SimdPath path, float* a, nint lda, int m, float* b, nint ldb, int n, int k, float* c, nint ldc)
    {
        var height = MostRows(path);
        var scratch = (t_scratch ??= new GemmScratch()).Reserve(m + height, n);
        for (; k > 0; k -= GemmScratch.Depth, a += GemmScratch.Depth * lda, b += GemmScratch.Depth * ldb)
        {
            var depth = Math.Min(GemmScratch.Depth, k);
            PanelPacking.PackRows(b, ldb, depth, n, scratch.Panels, depth);
            PanelPacking.PackStrips(a, lda, depth, m, scratch.Strips, height);
            for (var column = 0; column < n; column += Width)
            {
                var panel = scratch.Panels + ((nint)column * depth);
                if (path == SimdPath.Avx2 && column + Width <= n)
                {
                    GemmAvx2.AddStrips(m, scratch.Strips, panel, depth, c + column, ldc);
                    continue;
                }

                var strip = scratch.Strips;
                for (var row = 0; row < m; row += height, strip += PanelPacking.StripFloats(height, depth))
                {
                    var rows = Math.Min(height, m - row);
                    var to = c + (row * ldc) + column;
                    if (column + Width <= n)
                        Tile<TransposedForm>(path, rows, strip, height, panel, Width, depth, to, ldc, to, ldc, 1, 0);
                    else
                        Edge<TransposedForm>(path, rows, strip, height, panel, Width, depth, to, ldc, to, ldc, n - column);
                }
            }
        }
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
            Edges<TransposedForm>(path, a + ((nint)start * lda), lda, m, panel, Width, depth, c, ldc, c, ldc, n);
        }
    }

    // What a block of A may take of the second cache: 1 MiB or more where there is AVX-512, as little as 512 KiB elsewhere.
    private static int BlockFloats(SimdPath path) => path == SimdPath.Avx512 ? 192 << 10 : 96 << 10;

    // Rows that are run past all panels before the next ones are: their A stays in the second cache.
    private static int BlockRows(SimdPath path, int m, int k)
    {
        var strip = MostRows(path);
        var most = Math.Max(BlockFloats(path) / k, 4 * strip);
        var blocks = (m + most - 1) / most;
        return ((m + blocks - 1) / blocks + strip - 1) / strip * strip;
    }

    private static void Strips<TForm>(
        SimdPath path, float* a, nint lda, int m, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats,
        float* next)
        where TForm : struct, ITileForm
    {
        if (panels == 0)
            return;
        if (path == SimdPath.Avx2)
        {
            GemmAvx2.Strips<TForm>(m, a, lda, b, ldb, k, null, c, ldc, add, ldAdd, panels, panelFloats, null, null);
            return;
        }

        var highest = MostRows(path);
        var aStep = TForm.Transposed ? 1 : lda;
        var strips = (m + highest - 1) / highest;
        var nextEnd = next + (Width * (nint)k);
        for (var row = 0; strips > 0; strips--)
        {
            // Equal heights: a lone row at the end would leave the multiply units idle.
            var rows = path == SimdPath.Vector ? Math.Min(highest, m - row) : (m - row + strips - 1) / strips;
            // The panel after this one is fetched while this one is computed, a share with every strip.
            var share = next is null ? null : next + ((nextEnd - next) / strips);
            if (path == SimdPath.Avx512)
            {
                for (var line = next; line < share; line += 16)
                    Sse.Prefetch1(line);
            }

            Tile<TForm>(path, rows, a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats);
            next = share;
            row += rows;
            a += rows * aStep;
            c += rows * ldc;
            add = add is null ? null : add + (rows * ldAdd);
        }
    }

    private static void Edges<TForm>(
        SimdPath path, float* a, nint lda, int m, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int columns)
        where TForm : struct, ITileForm
    {
        var highest = MostRows(path);
        for (var row = 0; row < m; row += highest)
        {
            var rows = Math.Min(highest, m - row);
            Edge<TForm>(
                path, rows, a + (row * (TForm.Transposed ? 1 : lda)), lda, b, ldb, k, c + (row * ldc), ldc, add is null ? null : add + (row * ldAdd), ldAdd,
                columns);
        }
    }

    private static void Edge<TForm>(
        SimdPath path, int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int columns)
        where TForm : struct, ITileForm
    {
        var tile = stackalloc float[GemmAvx512.MaxRows * Width];
        Tile<TForm>(path, rows, a, lda, b, ldb, k, tile, Width, null, 0, 1, 0);
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

    private static int MostRows(SimdPath path) => path switch
    {
        SimdPath.Avx512 => GemmAvx512.MaxRows,
        SimdPath.Avx2 => GemmAvx2.MaxRows,
        _ => GemmVector.MaxRows,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile<TForm>(
        SimdPath path, int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats)
        where TForm : struct, ITileForm
    {
        if (path == SimdPath.Avx512)
        {
            GemmAvx512.Tile<TForm>(rows, a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats);
            return;
        }

        if (path == SimdPath.Avx2)
        {
            GemmAvx2.Strips<TForm>(rows, a, lda, b, ldb, k, null, c, ldc, add, ldAdd, panels, panelFloats, null, null);
            return;
        }

        for (; panels > 0; panels--, b += panelFloats, c += Width, add = add is null ? null : add + Width)
            GemmVector.Tile<TForm>(rows, a, lda, b, ldb, k, c, ldc, add, ldAdd);
    }
}
