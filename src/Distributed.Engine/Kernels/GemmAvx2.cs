using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Multiply = System.Runtime.Intrinsics.X86.Fma;

namespace Distributed.Engine.Kernels;

/// <summary>Matrix tiles of up to 6 rows x 16 columns in 12 of the 16 vector registers.</summary>
internal static unsafe class GemmAvx2
{
    public const int MaxRows = 6;

    /// <summary>
    /// C[rows, 32 * panels] = [add +] A * B, B's panels <paramref name="panelFloats"/> floats apart, each as two halves of 16 columns. Every element is one chain of
    /// fused multiply-adds over k, whatever the tile's height. Meanwhile what lies between <paramref name="next"/> and <paramref name="nextEnd"/> is fetched into the
    /// second cache, as far as there is time.
    /// </summary>
    public static void Tile<TForm>(
        int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats, float* next, float* nextEnd)
        where TForm : struct, ITileForm
    {
        switch (rows)
        {
            case 1: Run<Rows1, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd); break;
            case 2: Run<Rows2, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd); break;
            case 3: Run<Rows3, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd); break;
            case 4: Run<Rows4, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd); break;
            case 5: Run<Rows5, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd); break;
            case 6: Run<Rows6, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats, next, nextEnd); break;
        }
    }

    // Four steps of the depth a turn, so that pointers move once a turn: a core whose other hyperthread is busy has few operations to give beside the products.
    // Row-major A is read through rows 0 and 3, transposed A through the turn's four steps; B's rows are 32 floats apart unless A is transposed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TForm>(
        float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats, float* next, float* nextEnd)
        where TRows : struct, ITileRows
        where TForm : struct, ITileForm
    {
        Vector256<float> x;
        var lda2 = 2 * lda;
        var tall = TForm.Transposed ? 1 : 3;
        for (; panels > 0; panels--, b += panelFloats, c += 32, add = add is null ? null : add + 32)
        {
            for (var half = 0; half < 32; half += 16)
            {
                Vector256<float> c0l = default, c0r = default;
                Vector256<float> c1l = default, c1r = default;
                Vector256<float> c2l = default, c2r = default;
                Vector256<float> c3l = default, c3r = default;
                Vector256<float> c4l = default, c4r = default;
                Vector256<float> c5l = default, c5r = default;
                var p0 = a;
                var p1 = a + (tall * lda);
                var p2 = p1 + lda;
                var p3 = p2 + lda;
                var from = b + half;

                // The rows of C are fetched ahead one by one: all at once they would keep A and B waiting.
                var ahead = c + half;
                var aheadEnd = ahead + (TRows.Count * ldc);
                var left = k;
                for (; left >= 4; left -= 4)
                {
                    if ((left & 4) == 0 && ahead < aheadEnd)
                    {
                        Sse.Prefetch0(ahead);
                        ahead += ldc;
                    }

                    // Two lines a turn: a burst of them would hold up the loads of A and B.
                    if (next < nextEnd)
                    {
                        Sse.Prefetch1(next);
                        Sse.Prefetch1(next + 16);
                        next += 32;
                    }

                    var bl = Avx.LoadVector256(from);
                    var br = Avx.LoadVector256(from + 8);
                    { x = All(p0[0]); c0l = Fma(x, bl, c0l); c0r = Fma(x, br, c0r); }
                    if (TRows.Count > 1) { x = All(TForm.Transposed ? p0[1] : p0[lda]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                    if (TRows.Count > 2) { x = All(TForm.Transposed ? p0[2] : p0[lda2]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                    if (TRows.Count > 3) { x = All(TForm.Transposed ? p0[3] : p1[0]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                    if (TRows.Count > 4) { x = All(TForm.Transposed ? p0[4] : p1[lda]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                    if (TRows.Count > 5) { x = All(TForm.Transposed ? p0[5] : p1[lda2]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                    if (TForm.Transposed) from += ldb;

                    bl = Avx.LoadVector256(TForm.Transposed ? from : from + 32);
                    br = Avx.LoadVector256(TForm.Transposed ? from + 8 : from + 40);
                    { x = All(TForm.Transposed ? p1[0] : p0[1]); c0l = Fma(x, bl, c0l); c0r = Fma(x, br, c0r); }
                    if (TRows.Count > 1) { x = All(TForm.Transposed ? p1[1] : p0[lda + 1]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                    if (TRows.Count > 2) { x = All(TForm.Transposed ? p1[2] : p0[lda2 + 1]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                    if (TRows.Count > 3) { x = All(TForm.Transposed ? p1[3] : p1[1]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                    if (TRows.Count > 4) { x = All(TForm.Transposed ? p1[4] : p1[lda + 1]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                    if (TRows.Count > 5) { x = All(TForm.Transposed ? p1[5] : p1[lda2 + 1]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                    if (TForm.Transposed) from += ldb;

                    bl = Avx.LoadVector256(TForm.Transposed ? from : from + 64);
                    br = Avx.LoadVector256(TForm.Transposed ? from + 8 : from + 72);
                    { x = All(TForm.Transposed ? p2[0] : p0[2]); c0l = Fma(x, bl, c0l); c0r = Fma(x, br, c0r); }
                    if (TRows.Count > 1) { x = All(TForm.Transposed ? p2[1] : p0[lda + 2]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                    if (TRows.Count > 2) { x = All(TForm.Transposed ? p2[2] : p0[lda2 + 2]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                    if (TRows.Count > 3) { x = All(TForm.Transposed ? p2[3] : p1[2]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                    if (TRows.Count > 4) { x = All(TForm.Transposed ? p2[4] : p1[lda + 2]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                    if (TRows.Count > 5) { x = All(TForm.Transposed ? p2[5] : p1[lda2 + 2]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                    if (TForm.Transposed) from += ldb;

                    bl = Avx.LoadVector256(TForm.Transposed ? from : from + 96);
                    br = Avx.LoadVector256(TForm.Transposed ? from + 8 : from + 104);
                    { x = All(TForm.Transposed ? p3[0] : p0[3]); c0l = Fma(x, bl, c0l); c0r = Fma(x, br, c0r); }
                    if (TRows.Count > 1) { x = All(TForm.Transposed ? p3[1] : p0[lda + 3]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                    if (TRows.Count > 2) { x = All(TForm.Transposed ? p3[2] : p0[lda2 + 3]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                    if (TRows.Count > 3) { x = All(TForm.Transposed ? p3[3] : p1[3]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                    if (TRows.Count > 4) { x = All(TForm.Transposed ? p3[4] : p1[lda + 3]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                    if (TRows.Count > 5) { x = All(TForm.Transposed ? p3[5] : p1[lda2 + 3]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }

                    from += TForm.Transposed ? ldb : 128;
                    var step = TForm.Transposed ? 4 * lda : 4;
                    p0 += step;
                    p1 += step;
                    if (TForm.Transposed)
                    {
                        p2 += step;
                        p3 += step;
                    }
                }

                for (; left > 0; left--)
                {
                    var bl = Avx.LoadVector256(from);
                    var br = Avx.LoadVector256(from + 8);
                    { x = All(p0[0]); c0l = Fma(x, bl, c0l); c0r = Fma(x, br, c0r); }
                    if (TRows.Count > 1) { x = All(TForm.Transposed ? p0[1] : p0[lda]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                    if (TRows.Count > 2) { x = All(TForm.Transposed ? p0[2] : p0[lda2]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                    if (TRows.Count > 3) { x = All(TForm.Transposed ? p0[3] : p1[0]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                    if (TRows.Count > 4) { x = All(TForm.Transposed ? p0[4] : p1[lda]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                    if (TRows.Count > 5) { x = All(TForm.Transposed ? p0[5] : p1[lda2]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                    from += ldb;
                    p0 += TForm.Transposed ? lda : 1;
                    p1++;
                }

                var to = c + half;
                var addTo = add is null ? null : add + half;
                Store(c0l, c0r, to + (0 * ldc), addTo, 0 * ldAdd);
                if (TRows.Count > 1) Store(c1l, c1r, to + (1 * ldc), addTo, 1 * ldAdd);
                if (TRows.Count > 2) Store(c2l, c2r, to + (2 * ldc), addTo, 2 * ldAdd);
                if (TRows.Count > 3) Store(c3l, c3r, to + (3 * ldc), addTo, 3 * ldAdd);
                if (TRows.Count > 4) Store(c4l, c4r, to + (4 * ldc), addTo, 4 * ldAdd);
                if (TRows.Count > 5) Store(c5l, c5r, to + (5 * ldc), addTo, 5 * ldAdd);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> All(float x) => Vector256.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fma(Vector256<float> x, Vector256<float> y, Vector256<float> z) => Multiply.MultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> left, Vector256<float> right, float* c, float* add, nint addOffset)
    {
        if (add is not null)
        {
            left = Avx.Add(Avx.LoadVector256(add + addOffset), left);
            right = Avx.Add(Avx.LoadVector256(add + addOffset + 8), right);
        }

        Avx.Store(c, left);
        Avx.Store(c + 8, right);
    }
}
