using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Multiply = System.Runtime.Intrinsics.X86.Fma;

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
        var deep = (((k + parts - 1) / parts) + 3) / 4 * 4;
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
            Run<Rows3, TransposedForm>(whole, strip, strips, MaxRows, b, Width, k, null, c, ldc, c, ldc, 1, 0, null, null);
        if (whole * MaxRows < m)
            Strips<TransposedForm>(
                m - (whole * MaxRows), strips + (whole * strip), MaxRows, b, Width, k, null, c + (whole * MaxRows * ldc), ldc, c + (whole * MaxRows * ldc), ldc, 1, 0, null, null);
    }

    // Four steps of the depth a turn, so that pointers move once a turn: a core whose other hyperthread is busy has few operations to give beside the products.
    // Row-major A is read through its first row, transposed A through the turn's four steps; B's rows are 32 floats apart unless A is transposed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TForm>(
        int strips, nint aStep, float* a, nint lda, float* b, nint ldb, int k, float* begun, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats, float* next, float* nextEnd)
        where TRows : struct, ITileRows
        where TForm : struct, ITileForm
    {
        Vector256<float> x0, x1 = default, x2 = default, y;
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

            Vector256<float> c00 = default, c01 = default, c02 = default, c03 = default;
            Vector256<float> c10 = default, c11 = default, c12 = default, c13 = default;
            Vector256<float> c20 = default, c21 = default, c22 = default, c23 = default;
            if (begun is not null)
            {
                Load(begun, out c00, out c01, out c02, out c03);
                if (TRows.Count > 1) Load(begun + Width, out c10, out c11, out c12, out c13);
                if (TRows.Count > 2) Load(begun + (2 * Width), out c20, out c21, out c22, out c23);
                begun += TRows.Count * Width;
            }

            var p0 = a;
            var p1 = a + lda;
            var p2 = p1 + lda;
            var p3 = p2 + lda;
            var from = b;
            var nextA = a + aStep;

            // The rows of C are fetched ahead one by one: all at once they would keep A and B waiting.
            var aheadC = c;
            var aheadEnd = c + (TRows.Count * ldc);
            var left = k;
            for (; left >= 4; left -= 4)
            {
                // Every fourth turn: what the strip after this one reads, two of the lines this one will write, and a few of what follows in B. A burst of
                // them would hold up the loads of A and B, and a test in every turn costs the slots that a busy neighbour leaves.
                if ((left & 12) == 0)
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

                x0 = All(p0[0]);
                if (TRows.Count > 1) x1 = All(TForm.Transposed ? p0[1] : p0[lda]);
                if (TRows.Count > 2) x2 = All(TForm.Transposed ? p0[2] : p0[lda2]);
                y = Avx.LoadVector256(from); c00 = Fma(x0, y, c00); if (TRows.Count > 1) c10 = Fma(x1, y, c10); if (TRows.Count > 2) c20 = Fma(x2, y, c20);
                y = Avx.LoadVector256(from + 8); c01 = Fma(x0, y, c01); if (TRows.Count > 1) c11 = Fma(x1, y, c11); if (TRows.Count > 2) c21 = Fma(x2, y, c21);
                y = Avx.LoadVector256(from + 16); c02 = Fma(x0, y, c02); if (TRows.Count > 1) c12 = Fma(x1, y, c12); if (TRows.Count > 2) c22 = Fma(x2, y, c22);
                y = Avx.LoadVector256(from + 24); c03 = Fma(x0, y, c03); if (TRows.Count > 1) c13 = Fma(x1, y, c13); if (TRows.Count > 2) c23 = Fma(x2, y, c23);
                if (TForm.Transposed) from += ldb;

                x0 = All(TForm.Transposed ? p1[0] : p0[1]);
                if (TRows.Count > 1) x1 = All(TForm.Transposed ? p1[1] : p0[lda + 1]);
                if (TRows.Count > 2) x2 = All(TForm.Transposed ? p1[2] : p0[lda2 + 1]);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 0 : 32)); c00 = Fma(x0, y, c00); if (TRows.Count > 1) c10 = Fma(x1, y, c10); if (TRows.Count > 2) c20 = Fma(x2, y, c20);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 8 : 40)); c01 = Fma(x0, y, c01); if (TRows.Count > 1) c11 = Fma(x1, y, c11); if (TRows.Count > 2) c21 = Fma(x2, y, c21);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 16 : 48)); c02 = Fma(x0, y, c02); if (TRows.Count > 1) c12 = Fma(x1, y, c12); if (TRows.Count > 2) c22 = Fma(x2, y, c22);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 24 : 56)); c03 = Fma(x0, y, c03); if (TRows.Count > 1) c13 = Fma(x1, y, c13); if (TRows.Count > 2) c23 = Fma(x2, y, c23);
                if (TForm.Transposed) from += ldb;

                x0 = All(TForm.Transposed ? p2[0] : p0[2]);
                if (TRows.Count > 1) x1 = All(TForm.Transposed ? p2[1] : p0[lda + 2]);
                if (TRows.Count > 2) x2 = All(TForm.Transposed ? p2[2] : p0[lda2 + 2]);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 0 : 64)); c00 = Fma(x0, y, c00); if (TRows.Count > 1) c10 = Fma(x1, y, c10); if (TRows.Count > 2) c20 = Fma(x2, y, c20);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 8 : 72)); c01 = Fma(x0, y, c01); if (TRows.Count > 1) c11 = Fma(x1, y, c11); if (TRows.Count > 2) c21 = Fma(x2, y, c21);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 16 : 80)); c02 = Fma(x0, y, c02); if (TRows.Count > 1) c12 = Fma(x1, y, c12); if (TRows.Count > 2) c22 = Fma(x2, y, c22);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 24 : 88)); c03 = Fma(x0, y, c03); if (TRows.Count > 1) c13 = Fma(x1, y, c13); if (TRows.Count > 2) c23 = Fma(x2, y, c23);
                if (TForm.Transposed) from += ldb;

                x0 = All(TForm.Transposed ? p3[0] : p0[3]);
                if (TRows.Count > 1) x1 = All(TForm.Transposed ? p3[1] : p0[lda + 3]);
                if (TRows.Count > 2) x2 = All(TForm.Transposed ? p3[2] : p0[lda2 + 3]);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 0 : 96)); c00 = Fma(x0, y, c00); if (TRows.Count > 1) c10 = Fma(x1, y, c10); if (TRows.Count > 2) c20 = Fma(x2, y, c20);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 8 : 104)); c01 = Fma(x0, y, c01); if (TRows.Count > 1) c11 = Fma(x1, y, c11); if (TRows.Count > 2) c21 = Fma(x2, y, c21);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 16 : 112)); c02 = Fma(x0, y, c02); if (TRows.Count > 1) c12 = Fma(x1, y, c12); if (TRows.Count > 2) c22 = Fma(x2, y, c22);
                y = Avx.LoadVector256(from + (TForm.Transposed ? 24 : 120)); c03 = Fma(x0, y, c03); if (TRows.Count > 1) c13 = Fma(x1, y, c13); if (TRows.Count > 2) c23 = Fma(x2, y, c23);

                from += TForm.Transposed ? ldb : 128;
                var step = TForm.Transposed ? 4 * lda : 4;
                p0 += step;
                if (TForm.Transposed)
                {
                    p1 += step;
                    p2 += step;
                    p3 += step;
                }
            }

            for (; left > 0; left--)
            {
                x0 = All(p0[0]);
                if (TRows.Count > 1) x1 = All(p0[TForm.Transposed ? 1 : lda]);
                if (TRows.Count > 2) x2 = All(p0[TForm.Transposed ? 2 : lda2]);
                y = Avx.LoadVector256(from); c00 = Fma(x0, y, c00); if (TRows.Count > 1) c10 = Fma(x1, y, c10); if (TRows.Count > 2) c20 = Fma(x2, y, c20);
                y = Avx.LoadVector256(from + 8); c01 = Fma(x0, y, c01); if (TRows.Count > 1) c11 = Fma(x1, y, c11); if (TRows.Count > 2) c21 = Fma(x2, y, c21);
                y = Avx.LoadVector256(from + 16); c02 = Fma(x0, y, c02); if (TRows.Count > 1) c12 = Fma(x1, y, c12); if (TRows.Count > 2) c22 = Fma(x2, y, c22);
                y = Avx.LoadVector256(from + 24); c03 = Fma(x0, y, c03); if (TRows.Count > 1) c13 = Fma(x1, y, c13); if (TRows.Count > 2) c23 = Fma(x2, y, c23);
                from += ldb;
                p0 += TForm.Transposed ? lda : 1;
            }

            Store(c00, c01, c02, c03, c, add);
            if (TRows.Count > 1) Store(c10, c11, c12, c13, c + ldc, add is null ? null : add + ldAdd);
            if (TRows.Count > 2) Store(c20, c21, c22, c23, c + (2 * ldc), add is null ? null : add + (2 * ldAdd));
            b += panelFloats;
            c += Width;
            add = add is null ? null : add + Width;
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
    private static Vector256<float> All(float x) => Vector256.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fma(Vector256<float> x, Vector256<float> y, Vector256<float> z) => Multiply.MultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* from, out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3)
    {
        c0 = Avx.LoadVector256(from);
        c1 = Avx.LoadVector256(from + 8);
        c2 = Avx.LoadVector256(from + 16);
        c3 = Avx.LoadVector256(from + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> c0, Vector256<float> c1, Vector256<float> c2, Vector256<float> c3, float* c, float* add)
    {
        if (add is not null)
        {
            c0 = Avx.Add(Avx.LoadVector256(add), c0);
            c1 = Avx.Add(Avx.LoadVector256(add + 8), c1);
            c2 = Avx.Add(Avx.LoadVector256(add + 16), c2);
            c3 = Avx.Add(Avx.LoadVector256(add + 24), c3);
        }

        Avx.Store(c, c0);
        Avx.Store(c + 8, c1);
        Avx.Store(c + 16, c2);
        Avx.Store(c + 24, c3);
    }
}
