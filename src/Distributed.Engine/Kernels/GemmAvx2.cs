using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>
/// Matrix tiles of up to 3 rows x 32 columns in 12 of the 16 vector registers: three values of A and one vector of B take the others, and each vector of B is used
/// three times. So low a tile reads B often, therefore B is taken in pieces that stay in the nearest cache.
/// </summary>
internal static unsafe class GemmAvx2
{
    public const int MaxRows = 3;

    // Rows of a panel that are run past all strips of A before the next ones: half of a nearest cache of 32 KiB.
    private const int Depth = 128;
    private const int Width = PackedMatrix.PanelWidth;

    [ThreadStatic]
    private static FloatBuffer? t_begun;

    /// <summary>
    /// C[m, 32] = [add +] A * B for one panel of B, piece by piece: sums that are not complete wait in a buffer of their own, so every element is still one chain of fused
    /// multiply-adds over k. Meanwhile what follows in B, up to <paramref name="end"/>, is fetched into the second cache.
    /// </summary>
    public static void Panel(float* a, nint lda, int m, float* b, int k, float* c, nint ldc, float* add, nint ldAdd, float* end)
    {
        var parts = (k + Depth - 1) / Depth;
        var deep = (((k + parts - 1) / parts) + 7) / 8 * 8;
        var begun = parts > 1 ? Begun(m) : null;
        for (var from = 0; from < k; from += deep, a += deep, b += deep * Width)
        {
            var depth = Math.Min(deep, k - from);
            var next = b + (depth * Width);
            var nextEnd = end - next > depth * Width ? next + (depth * Width) : end;
            var start = from > 0 ? begun : null;
            if (from + deep < k)
                Strips<PlainForm>(m, a, lda, b, Width, depth, start, begun, Width, null, 0, 1, 0, next, nextEnd);
            else
                Strips<PlainForm>(m, a, lda, b, Width, depth, start, c, ldc, add, ldAdd, 1, 0, next, nextEnd);
        }
    }

    /// <summary>
    /// C[m, 32 * panels] = [add +] A * B, B's panels <paramref name="panelFloats"/> floats apart. The chains start at zero or with <paramref name="begun"/> [m, 32].
    /// What lies between <paramref name="next"/> and <paramref name="nextEnd"/> is fetched into the second cache, as far as there is time.
    /// </summary>
    public static void Strips<TForm>(
        int m, float* a, nint lda, float* b, nint ldb, int k, float* begun, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats, float* next, float* nextEnd)
        where TForm : struct, ITileForm
    {
        // A lone row at the end would leave the multiply units idle: four rows are two and two.
        var threes = m % 3 == 1 && m > 1 ? (m / 3) - 1 : m / 3;
        var row = TForm.Transposed ? 1 : lda;
        if (threes > 0)
            Run<Rows3, TForm>(threes, 3 * row, a, lda, b, ldb, k, begun, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd);
        var done = threes * 3;
        if (done == m)
            return;
        a += done * row;
        c += done * ldc;
        begun = begun is null ? null : begun + (done * Width);
        add = add is null ? null : add + (done * ldAdd);
        if (m == 1)
            Run<Rows1, TForm>(1, row, a, lda, b, ldb, k, begun, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd);
        else
            Run<Rows2, TForm>((m - done) / 2, 2 * row, a, lda, b, ldb, k, begun, c, ldc, add, ldAdd, panels, panelFloats, threes > 0 ? nextEnd : next, nextEnd);
    }

    /// <summary>C[m, 32] += A * B for one panel of B, A in the strips of <see cref="PanelPacking.PackStrips"/> of height <see cref="MaxRows"/>.</summary>
    public static void AddStrips(int m, float* strips, float* b, int k, float* c, nint ldc)
    {
        var whole = m / MaxRows;
        var strip = PanelPacking.StripFloats(MaxRows, k);
        if (whole > 0)
            Run<Rows3, StripForm>(whole, strip, strips, MaxRows, b, Width, k, null, c, ldc, c, ldc, 1, 0, null, null);
        if (whole * MaxRows < m)
            Strips<StripForm>(
                m - (whole * MaxRows), strips + (whole * strip), MaxRows, b, Width, k, null, c + (whole * MaxRows * ldc), ldc, c + (whole * MaxRows * ldc), ldc, 1, 0, null, null);
    }

    // Eight steps of the depth a turn, so that pointers move once a turn: a core whose other hyperthread is busy has few operations to give beside the products.
    // Only where A or B lie as they were given, at strides of the caller's, they move with every step.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TForm>(
        int strips, nint aStep, float* a, nint lda, float* b, nint ldb, int k, float* begun, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats, float* next, float* nextEnd)
        where TRows : struct, ITileRows
        where TForm : struct, ITileForm
    {
        var lda2 = 2 * lda;
        for (var tile = 0; ; tile++)
        {
            if (tile == panels)
            {
                // The strip is done; the next one begins with the first panel again.
                if (--strips == 0)
                    return;
                tile = 0;
                a += aStep;
                b -= panels * panelFloats;
                c += (TRows.Count * ldc) - (panels * Width);
                add = add is null ? null : add + (TRows.Count * ldAdd) - (panels * Width);
            }

            Sums row0 = default, row1 = default, row2 = default;
            if (begun is not null)
            {
                Load(begun, out row0);
                if (TRows.Count > 1) Load(begun + Width, out row1);
                if (TRows.Count > 2) Load(begun + (2 * Width), out row2);
                begun += TRows.Count * Width;
            }

            var p = a;
            var from = b;
            var nextA = a + aStep;

            // The rows of C are fetched ahead one by one: all at once they would keep A and B waiting.
            var aheadC = c;
            var aheadEnd = c + (TRows.Count * ldc);
            var left = k;
            for (; left >= 8; left -= 8)
            {
                // Every second turn: what the strip after this one reads, two of the lines this one will write, and a few of what follows in B. A burst of
                // them would hold up the loads of A and B, and a test in every turn costs the slots that a busy neighbour leaves.
                if ((left & 8) == 0)
                {
                    if (!TForm.Transposed)
                    {
                        Sse.Prefetch0(nextA);
                        if (TRows.Count > 1) Sse.Prefetch0(nextA + lda);
                        if (TRows.Count > 2) Sse.Prefetch0(nextA + lda2);
                        nextA += 16;
                    }

                    if (aheadC < aheadEnd)
                    {
                        Sse.Prefetch0(aheadC);
                        Sse.Prefetch0(aheadC + 16);
                        aheadC += ldc;
                    }

                    if (next < nextEnd)
                    {
                        Sse.Prefetch1(next);
                        Sse.Prefetch1(next + 16);
                        Sse.Prefetch1(next + 32);
                        Sse.Prefetch1(next + 48);
                        next += 64;
                    }
                }

                Step<TRows, TForm>(0, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                Step<TRows, TForm>(1, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                Step<TRows, TForm>(2, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                Step<TRows, TForm>(3, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                Step<TRows, TForm>(4, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                Step<TRows, TForm>(5, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                Step<TRows, TForm>(6, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                Step<TRows, TForm>(7, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                if (!TForm.Strided)
                {
                    p += TForm.Transposed ? 8 * MaxRows : 8;
                    from += 8 * Width;
                }
            }

            for (; left > 0; left--)
            {
                Step<TRows, TForm>(0, ref p, lda, lda2, ref from, ldb, ref row0, ref row1, ref row2);
                if (!TForm.Strided)
                {
                    p += TForm.Transposed ? MaxRows : 1;
                    from += Width;
                }
            }

            Store(row0, c, add);
            if (TRows.Count > 1) Store(row1, c + ldc, add is null ? null : add + ldAdd);
            if (TRows.Count > 2) Store(row2, c + (2 * ldc), add is null ? null : add + (2 * ldAdd));
            b += panelFloats;
            c += Width;
            add = add is null ? null : add + Width;
        }
    }

    // One step of the depth, the index-th after p and from; with strides of the caller's, the one at p and from, which then move on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TRows, TForm>(
        int index, ref float* p, nint lda, nint lda2, ref float* from, nint ldb, ref Sums row0, ref Sums row1, ref Sums row2)
        where TRows : struct, ITileRows
        where TForm : struct, ITileForm
    {
        var at = TForm.Strided ? 0 : TForm.Transposed ? index * MaxRows : index;
        var row = TForm.Strided ? 0 : index * Width;
        var x0 = Vector256.Create(p[at]);
        Vector256<float> x1 = default, x2 = default;
        if (TRows.Count > 1) x1 = Vector256.Create(TForm.Transposed ? p[at + 1] : p[lda + at]);
        if (TRows.Count > 2) x2 = Vector256.Create(TForm.Transposed ? p[at + 2] : p[lda2 + at]);
        var y = Avx.LoadVector256(from + row);
        row0.C0 = Fma.MultiplyAdd(x0, y, row0.C0);
        if (TRows.Count > 1) row1.C0 = Fma.MultiplyAdd(x1, y, row1.C0);
        if (TRows.Count > 2) row2.C0 = Fma.MultiplyAdd(x2, y, row2.C0);
        y = Avx.LoadVector256(from + (row + 8));
        row0.C1 = Fma.MultiplyAdd(x0, y, row0.C1);
        if (TRows.Count > 1) row1.C1 = Fma.MultiplyAdd(x1, y, row1.C1);
        if (TRows.Count > 2) row2.C1 = Fma.MultiplyAdd(x2, y, row2.C1);
        y = Avx.LoadVector256(from + (row + 16));
        row0.C2 = Fma.MultiplyAdd(x0, y, row0.C2);
        if (TRows.Count > 1) row1.C2 = Fma.MultiplyAdd(x1, y, row1.C2);
        if (TRows.Count > 2) row2.C2 = Fma.MultiplyAdd(x2, y, row2.C2);
        y = Avx.LoadVector256(from + (row + 24));
        row0.C3 = Fma.MultiplyAdd(x0, y, row0.C3);
        if (TRows.Count > 1) row1.C3 = Fma.MultiplyAdd(x1, y, row1.C3);
        if (TRows.Count > 2) row2.C3 = Fma.MultiplyAdd(x2, y, row2.C3);
        if (TForm.Strided)
        {
            p += lda;
            from += ldb;
        }
    }

    // Room for the unfinished sums of m rows.
    private static float* Begun(int m)
    {
        if (t_begun is null || t_begun.Length < (long)m * Width)
        {
            t_begun?.Dispose();
            t_begun = new FloatBuffer((long)m * Width);
        }

        return t_begun.Pointer;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* from, out Sums row)
    {
        row.C0 = Avx.LoadVector256(from);
        row.C1 = Avx.LoadVector256(from + 8);
        row.C2 = Avx.LoadVector256(from + 16);
        row.C3 = Avx.LoadVector256(from + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Sums row, float* c, float* add)
    {
        if (add is not null)
        {
            row.C0 = Avx.Add(Avx.LoadVector256(add), row.C0);
            row.C1 = Avx.Add(Avx.LoadVector256(add + 8), row.C1);
            row.C2 = Avx.Add(Avx.LoadVector256(add + 16), row.C2);
            row.C3 = Avx.Add(Avx.LoadVector256(add + 24), row.C3);
        }

        Avx.Store(c, row.C0);
        Avx.Store(c + 8, row.C1);
        Avx.Store(c + 16, row.C2);
        Avx.Store(c + 24, row.C3);
    }

    // A row of the tile; with more fields the compiler would keep it in memory.
    private struct Sums
    {
        public Vector256<float> C0, C1, C2, C3;
    }
}
