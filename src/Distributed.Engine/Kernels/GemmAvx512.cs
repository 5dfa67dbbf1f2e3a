using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>Matrix tiles of up to 12 rows x 32 columns in 24 of the 32 vector registers.</summary>
internal static unsafe class GemmAvx512
{
    public const int MaxRows = 12;

    /// <summary>
    /// C[rows, 32 * panels] = [add +] A * B, B's panels <paramref name="panelFloats"/> floats apart. Every element is one chain of fused
    /// multiply-adds over k, whatever the tile's height.
    /// </summary>
    public static void Tile<TForm>(
        int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats)
        where TForm : struct, ITileForm
    {
        switch (rows)
        {
            case 1: Run<Rows1, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 2: Run<Rows2, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 3: Run<Rows3, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 4: Run<Rows4, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 5: Run<Rows5, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 6: Run<Rows6, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 7: Run<Rows7, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 8: Run<Rows8, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 9: Run<Rows9, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 10: Run<Rows10, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 11: Run<Rows11, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
            case 12: Run<Rows12, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd, panels, panelFloats); break;
        }
    }

    // Four steps of the depth a turn. The processor may have no more than two operations a cycle to give when its other hyperthread is busy,
    // so operations beside the products count: pointers move once a turn, and rows 0 and 6 read A as part of the product where a second
    // pointer to the same place (p0b, p2b) keeps the compiler from loading it once for both halves. More such rows would wait for loads.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TForm>(
        float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd, int panels, nint panelFloats)
        where TRows : struct, ITileRows
        where TForm : struct, ITileForm
    {
        Vector512<float> x;
        var lda2 = 2 * lda;
        var tall = TForm.Transposed ? 1 : 3;
        for (; panels > 0; panels--, b += panelFloats, c += 32, add = add is null ? null : add + 32)
        {
            Vector512<float> c0l = default, c0r = default;
            Vector512<float> c1l = default, c1r = default;
            Vector512<float> c2l = default, c2r = default;
            Vector512<float> c3l = default, c3r = default;
            Vector512<float> c4l = default, c4r = default;
            Vector512<float> c5l = default, c5r = default;
            Vector512<float> c6l = default, c6r = default;
            Vector512<float> c7l = default, c7r = default;
            Vector512<float> c8l = default, c8r = default;
            Vector512<float> c9l = default, c9r = default;
            Vector512<float> c10l = default, c10r = default;
            Vector512<float> c11l = default, c11r = default;

            // Row-major A: every third row. Transposed A: the turn's four steps.
            var p0 = a;
            var p1 = a + (tall * lda);
            var p2 = p1 + (tall * lda);
            var p3 = p2 + (tall * lda);
            var p0b = p0;
            var p2b = p2;
            var from = b;

            // The rows of C are fetched ahead one by one: all at once they would keep A and B waiting.
            var ahead = c;
            var aheadEnd = c + (TRows.Count * ldc);
            var left = k;
            for (; left >= 4; left -= 4)
            {
                if ((left & 4) == 0 && ahead < aheadEnd)
                {
                    Sse.Prefetch0(ahead);
                    Sse.Prefetch0(ahead + 16);
                    ahead += ldc;
                }

                var bl = Avx512F.LoadVector512(from);
                var br = Avx512F.LoadVector512(from + 16);
                { c0l = Fma(bl, All(p0[0]), c0l); c0r = Fma(br, All(p0b[0]), c0r); }
                if (TRows.Count > 1) { x = All(TForm.Transposed ? p0[1] : p0[lda]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                if (TRows.Count > 2) { x = All(TForm.Transposed ? p0[2] : p0[lda2]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                if (TRows.Count > 3) { x = All(TForm.Transposed ? p0[3] : p1[0]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                if (TRows.Count > 4) { x = All(TForm.Transposed ? p0[4] : p1[lda]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                if (TRows.Count > 5) { x = All(TForm.Transposed ? p0[5] : p1[lda2]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                if (TRows.Count > 6) { c6l = Fma(bl, All(TForm.Transposed ? p0[6] : p2[0]), c6l); c6r = Fma(br, All(TForm.Transposed ? p0b[6] : p2b[0]), c6r); }
                if (TRows.Count > 7) { x = All(TForm.Transposed ? p0[7] : p2[lda]); c7l = Fma(x, bl, c7l); c7r = Fma(x, br, c7r); }
                if (TRows.Count > 8) { x = All(TForm.Transposed ? p0[8] : p2[lda2]); c8l = Fma(x, bl, c8l); c8r = Fma(x, br, c8r); }
                if (TRows.Count > 9) { x = All(TForm.Transposed ? p0[9] : p3[0]); c9l = Fma(x, bl, c9l); c9r = Fma(x, br, c9r); }
                if (TRows.Count > 10) { x = All(TForm.Transposed ? p0[10] : p3[lda]); c10l = Fma(x, bl, c10l); c10r = Fma(x, br, c10r); }
                if (TRows.Count > 11) { x = All(TForm.Transposed ? p0[11] : p3[lda2]); c11l = Fma(x, bl, c11l); c11r = Fma(x, br, c11r); }
                if (TForm.Transposed) from += ldb;

                bl = Avx512F.LoadVector512(TForm.Transposed ? from : from + 32);
                br = Avx512F.LoadVector512(TForm.Transposed ? from + 16 : from + 48);
                { c0l = Fma(bl, All(TForm.Transposed ? p1[0] : p0[1]), c0l); c0r = Fma(br, All(TForm.Transposed ? p1[0] : p0b[1]), c0r); }
                if (TRows.Count > 1) { x = All(TForm.Transposed ? p1[1] : p0[lda + 1]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                if (TRows.Count > 2) { x = All(TForm.Transposed ? p1[2] : p0[lda2 + 1]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                if (TRows.Count > 3) { x = All(TForm.Transposed ? p1[3] : p1[1]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                if (TRows.Count > 4) { x = All(TForm.Transposed ? p1[4] : p1[lda + 1]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                if (TRows.Count > 5) { x = All(TForm.Transposed ? p1[5] : p1[lda2 + 1]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                if (TRows.Count > 6) { c6l = Fma(bl, All(TForm.Transposed ? p1[6] : p2[1]), c6l); c6r = Fma(br, All(TForm.Transposed ? p1[6] : p2b[1]), c6r); }
                if (TRows.Count > 7) { x = All(TForm.Transposed ? p1[7] : p2[lda + 1]); c7l = Fma(x, bl, c7l); c7r = Fma(x, br, c7r); }
                if (TRows.Count > 8) { x = All(TForm.Transposed ? p1[8] : p2[lda2 + 1]); c8l = Fma(x, bl, c8l); c8r = Fma(x, br, c8r); }
                if (TRows.Count > 9) { x = All(TForm.Transposed ? p1[9] : p3[1]); c9l = Fma(x, bl, c9l); c9r = Fma(x, br, c9r); }
                if (TRows.Count > 10) { x = All(TForm.Transposed ? p1[10] : p3[lda + 1]); c10l = Fma(x, bl, c10l); c10r = Fma(x, br, c10r); }
                if (TRows.Count > 11) { x = All(TForm.Transposed ? p1[11] : p3[lda2 + 1]); c11l = Fma(x, bl, c11l); c11r = Fma(x, br, c11r); }
                if (TForm.Transposed) from += ldb;

                bl = Avx512F.LoadVector512(TForm.Transposed ? from : from + 64);
                br = Avx512F.LoadVector512(TForm.Transposed ? from + 16 : from + 80);
                { c0l = Fma(bl, All(TForm.Transposed ? p2[0] : p0[2]), c0l); c0r = Fma(br, All(TForm.Transposed ? p2b[0] : p0b[2]), c0r); }
                if (TRows.Count > 1) { x = All(TForm.Transposed ? p2[1] : p0[lda + 2]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                if (TRows.Count > 2) { x = All(TForm.Transposed ? p2[2] : p0[lda2 + 2]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                if (TRows.Count > 3) { x = All(TForm.Transposed ? p2[3] : p1[2]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                if (TRows.Count > 4) { x = All(TForm.Transposed ? p2[4] : p1[lda + 2]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                if (TRows.Count > 5) { x = All(TForm.Transposed ? p2[5] : p1[lda2 + 2]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                if (TRows.Count > 6) { c6l = Fma(bl, All(TForm.Transposed ? p2[6] : p2[2]), c6l); c6r = Fma(br, All(TForm.Transposed ? p2b[6] : p2b[2]), c6r); }
                if (TRows.Count > 7) { x = All(TForm.Transposed ? p2[7] : p2[lda + 2]); c7l = Fma(x, bl, c7l); c7r = Fma(x, br, c7r); }
                if (TRows.Count > 8) { x = All(TForm.Transposed ? p2[8] : p2[lda2 + 2]); c8l = Fma(x, bl, c8l); c8r = Fma(x, br, c8r); }
                if (TRows.Count > 9) { x = All(TForm.Transposed ? p2[9] : p3[2]); c9l = Fma(x, bl, c9l); c9r = Fma(x, br, c9r); }
                if (TRows.Count > 10) { x = All(TForm.Transposed ? p2[10] : p3[lda + 2]); c10l = Fma(x, bl, c10l); c10r = Fma(x, br, c10r); }
                if (TRows.Count > 11) { x = All(TForm.Transposed ? p2[11] : p3[lda2 + 2]); c11l = Fma(x, bl, c11l); c11r = Fma(x, br, c11r); }
                if (TForm.Transposed) from += ldb;

                bl = Avx512F.LoadVector512(TForm.Transposed ? from : from + 96);
                br = Avx512F.LoadVector512(TForm.Transposed ? from + 16 : from + 112);
                { c0l = Fma(bl, All(TForm.Transposed ? p3[0] : p0[3]), c0l); c0r = Fma(br, All(TForm.Transposed ? p3[0] : p0b[3]), c0r); }
                if (TRows.Count > 1) { x = All(TForm.Transposed ? p3[1] : p0[lda + 3]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                if (TRows.Count > 2) { x = All(TForm.Transposed ? p3[2] : p0[lda2 + 3]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                if (TRows.Count > 3) { x = All(TForm.Transposed ? p3[3] : p1[3]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                if (TRows.Count > 4) { x = All(TForm.Transposed ? p3[4] : p1[lda + 3]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                if (TRows.Count > 5) { x = All(TForm.Transposed ? p3[5] : p1[lda2 + 3]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                if (TRows.Count > 6) { c6l = Fma(bl, All(TForm.Transposed ? p3[6] : p2[3]), c6l); c6r = Fma(br, All(TForm.Transposed ? p3[6] : p2b[3]), c6r); }
                if (TRows.Count > 7) { x = All(TForm.Transposed ? p3[7] : p2[lda + 3]); c7l = Fma(x, bl, c7l); c7r = Fma(x, br, c7r); }
                if (TRows.Count > 8) { x = All(TForm.Transposed ? p3[8] : p2[lda2 + 3]); c8l = Fma(x, bl, c8l); c8r = Fma(x, br, c8r); }
                if (TRows.Count > 9) { x = All(TForm.Transposed ? p3[9] : p3[3]); c9l = Fma(x, bl, c9l); c9r = Fma(x, br, c9r); }
                if (TRows.Count > 10) { x = All(TForm.Transposed ? p3[10] : p3[lda + 3]); c10l = Fma(x, bl, c10l); c10r = Fma(x, br, c10r); }
                if (TRows.Count > 11) { x = All(TForm.Transposed ? p3[11] : p3[lda2 + 3]); c11l = Fma(x, bl, c11l); c11r = Fma(x, br, c11r); }

                from += TForm.Transposed ? ldb : 128;
                var step = TForm.Transposed ? 4 * lda : 4;
                p0 += step;
                p1 += step;
                p2 += step;
                p3 += step;
                p0b += step;
                p2b += step;
            }

            for (; left > 0; left--)
            {
                var bl = Avx512F.LoadVector512(from);
                var br = Avx512F.LoadVector512(from + 16);
                { x = All(p0[0]); c0l = Fma(x, bl, c0l); c0r = Fma(x, br, c0r); }
                if (TRows.Count > 1) { x = All(TForm.Transposed ? p0[1] : p0[lda]); c1l = Fma(x, bl, c1l); c1r = Fma(x, br, c1r); }
                if (TRows.Count > 2) { x = All(TForm.Transposed ? p0[2] : p0[lda2]); c2l = Fma(x, bl, c2l); c2r = Fma(x, br, c2r); }
                if (TRows.Count > 3) { x = All(TForm.Transposed ? p0[3] : p1[0]); c3l = Fma(x, bl, c3l); c3r = Fma(x, br, c3r); }
                if (TRows.Count > 4) { x = All(TForm.Transposed ? p0[4] : p1[lda]); c4l = Fma(x, bl, c4l); c4r = Fma(x, br, c4r); }
                if (TRows.Count > 5) { x = All(TForm.Transposed ? p0[5] : p1[lda2]); c5l = Fma(x, bl, c5l); c5r = Fma(x, br, c5r); }
                if (TRows.Count > 6) { x = All(TForm.Transposed ? p0[6] : p2[0]); c6l = Fma(x, bl, c6l); c6r = Fma(x, br, c6r); }
                if (TRows.Count > 7) { x = All(TForm.Transposed ? p0[7] : p2[lda]); c7l = Fma(x, bl, c7l); c7r = Fma(x, br, c7r); }
                if (TRows.Count > 8) { x = All(TForm.Transposed ? p0[8] : p2[lda2]); c8l = Fma(x, bl, c8l); c8r = Fma(x, br, c8r); }
                if (TRows.Count > 9) { x = All(TForm.Transposed ? p0[9] : p3[0]); c9l = Fma(x, bl, c9l); c9r = Fma(x, br, c9r); }
                if (TRows.Count > 10) { x = All(TForm.Transposed ? p0[10] : p3[lda]); c10l = Fma(x, bl, c10l); c10r = Fma(x, br, c10r); }
                if (TRows.Count > 11) { x = All(TForm.Transposed ? p0[11] : p3[lda2]); c11l = Fma(x, bl, c11l); c11r = Fma(x, br, c11r); }
                from += ldb;
                p0 += TForm.Transposed ? lda : 1;
                p1++;
                p2++;
                p3++;
            }

            Store(c0l, c0r, c + (0 * ldc), add, 0 * ldAdd);
            if (TRows.Count > 1) Store(c1l, c1r, c + (1 * ldc), add, 1 * ldAdd);
            if (TRows.Count > 2) Store(c2l, c2r, c + (2 * ldc), add, 2 * ldAdd);
            if (TRows.Count > 3) Store(c3l, c3r, c + (3 * ldc), add, 3 * ldAdd);
            if (TRows.Count > 4) Store(c4l, c4r, c + (4 * ldc), add, 4 * ldAdd);
            if (TRows.Count > 5) Store(c5l, c5r, c + (5 * ldc), add, 5 * ldAdd);
            if (TRows.Count > 6) Store(c6l, c6r, c + (6 * ldc), add, 6 * ldAdd);
            if (TRows.Count > 7) Store(c7l, c7r, c + (7 * ldc), add, 7 * ldAdd);
            if (TRows.Count > 8) Store(c8l, c8r, c + (8 * ldc), add, 8 * ldAdd);
            if (TRows.Count > 9) Store(c9l, c9r, c + (9 * ldc), add, 9 * ldAdd);
            if (TRows.Count > 10) Store(c10l, c10r, c + (10 * ldc), add, 10 * ldAdd);
            if (TRows.Count > 11) Store(c11l, c11r, c + (11 * ldc), add, 11 * ldAdd);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> All(float x) => Vector512.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fma(Vector512<float> x, Vector512<float> y, Vector512<float> z) => Avx512F.FusedMultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> left, Vector512<float> right, float* c, float* add, nint addOffset)
    {
        if (add is not null)
        {
            left = Avx512F.Add(Avx512F.LoadVector512(add + addOffset), left);
            right = Avx512F.Add(Avx512F.LoadVector512(add + addOffset + 16), right);
        }

        Avx512F.Store(c, left);
        Avx512F.Store(c + 16, right);
    }
}
