using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>Matrix tiles of up to 12 rows x 32 columns in 24 of the 32 vector registers.</summary>
internal static unsafe class GemmAvx512
{
    public const int MaxRows = 12;

    /// <summary>C[rows, 32] = [add +] A * B. Every element is one chain of fused multiply-adds over k, whatever the tile's height.</summary>
    public static void Tile<TForm>(
        int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TForm : struct, ITileForm
    {
        switch (rows)
        {
            case 1: Run<Rows1, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 2: Run<Rows2, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 3: Run<Rows3, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 4: Run<Rows4, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 5: Run<Rows5, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 6: Run<Rows6, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 7: Run<Rows7, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 8: Run<Rows8, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 9: Run<Rows9, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 10: Run<Rows10, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 11: Run<Rows11, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
            case 12: Run<Rows12, TForm>(a, lda, b, ldb, k, c, ldc, add, ldAdd); break;
        }
    }

    // The depth is walked two steps a turn, so that pointers move half as often: the processor issues four operations a cycle and
    // the products alone are three of them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TForm>(
        float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TRows : struct, ITileRows
        where TForm : struct, ITileForm
    {
        Vector512<float> left, right, x;
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

        // The rows of C are fetched ahead one by one: all at once they would keep A and B waiting.
        var ahead = c;
        var aheadEnd = c + (TRows.Count * ldc);

        // Four row pointers, the stride and its double reach all twelve rows by addressing modes alone.
        var lda2 = 2 * lda;
        var a3 = TForm.Transposed ? a : a + (3 * lda);
        var a6 = TForm.Transposed ? a : a + (6 * lda);
        var a9 = TForm.Transposed ? a : a + (9 * lda);
        while (k > 0)
        {
            if ((k & 6) == 0 && ahead < aheadEnd)
            {
                Sse.Prefetch0(ahead);
                Sse.Prefetch0(ahead + 16);
                ahead += ldc;
            }

            left = Avx512F.LoadVector512(b + (TForm.Transposed ? 0 : 0));
            right = Avx512F.LoadVector512(b + (TForm.Transposed ? 16 : 16));
            x = Vector512.Create(TForm.Transposed ? a[0] : a[0]);
            c0l = Avx512F.FusedMultiplyAdd(x, left, c0l);
            c0r = Avx512F.FusedMultiplyAdd(x, right, c0r);
            if (TRows.Count > 1)
            {
                x = Vector512.Create(TForm.Transposed ? a[1] : a[lda]);
                c1l = Avx512F.FusedMultiplyAdd(x, left, c1l);
                c1r = Avx512F.FusedMultiplyAdd(x, right, c1r);
            }
            if (TRows.Count > 2)
            {
                x = Vector512.Create(TForm.Transposed ? a[2] : a[lda2]);
                c2l = Avx512F.FusedMultiplyAdd(x, left, c2l);
                c2r = Avx512F.FusedMultiplyAdd(x, right, c2r);
            }
            if (TRows.Count > 3)
            {
                x = Vector512.Create(TForm.Transposed ? a[3] : a3[0]);
                c3l = Avx512F.FusedMultiplyAdd(x, left, c3l);
                c3r = Avx512F.FusedMultiplyAdd(x, right, c3r);
            }
            if (TRows.Count > 4)
            {
                x = Vector512.Create(TForm.Transposed ? a[4] : a3[lda]);
                c4l = Avx512F.FusedMultiplyAdd(x, left, c4l);
                c4r = Avx512F.FusedMultiplyAdd(x, right, c4r);
            }
            if (TRows.Count > 5)
            {
                x = Vector512.Create(TForm.Transposed ? a[5] : a3[lda2]);
                c5l = Avx512F.FusedMultiplyAdd(x, left, c5l);
                c5r = Avx512F.FusedMultiplyAdd(x, right, c5r);
            }
            if (TRows.Count > 6)
            {
                x = Vector512.Create(TForm.Transposed ? a[6] : a6[0]);
                c6l = Avx512F.FusedMultiplyAdd(x, left, c6l);
                c6r = Avx512F.FusedMultiplyAdd(x, right, c6r);
            }
            if (TRows.Count > 7)
            {
                x = Vector512.Create(TForm.Transposed ? a[7] : a6[lda]);
                c7l = Avx512F.FusedMultiplyAdd(x, left, c7l);
                c7r = Avx512F.FusedMultiplyAdd(x, right, c7r);
            }
            if (TRows.Count > 8)
            {
                x = Vector512.Create(TForm.Transposed ? a[8] : a6[lda2]);
                c8l = Avx512F.FusedMultiplyAdd(x, left, c8l);
                c8r = Avx512F.FusedMultiplyAdd(x, right, c8r);
            }
            if (TRows.Count > 9)
            {
                x = Vector512.Create(TForm.Transposed ? a[9] : a9[0]);
                c9l = Avx512F.FusedMultiplyAdd(x, left, c9l);
                c9r = Avx512F.FusedMultiplyAdd(x, right, c9r);
            }
            if (TRows.Count > 10)
            {
                x = Vector512.Create(TForm.Transposed ? a[10] : a9[lda]);
                c10l = Avx512F.FusedMultiplyAdd(x, left, c10l);
                c10r = Avx512F.FusedMultiplyAdd(x, right, c10r);
            }
            if (TRows.Count > 11)
            {
                x = Vector512.Create(TForm.Transposed ? a[11] : a9[lda2]);
                c11l = Avx512F.FusedMultiplyAdd(x, left, c11l);
                c11r = Avx512F.FusedMultiplyAdd(x, right, c11r);
            }

            if (--k == 0)
                break;

            left = Avx512F.LoadVector512(b + (TForm.Transposed ? ldb : 32));
            right = Avx512F.LoadVector512(b + (TForm.Transposed ? ldb + 16 : 48));
            x = Vector512.Create(TForm.Transposed ? a[lda + 0] : a[1]);
            c0l = Avx512F.FusedMultiplyAdd(x, left, c0l);
            c0r = Avx512F.FusedMultiplyAdd(x, right, c0r);
            if (TRows.Count > 1)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 1] : a[lda + 1]);
                c1l = Avx512F.FusedMultiplyAdd(x, left, c1l);
                c1r = Avx512F.FusedMultiplyAdd(x, right, c1r);
            }
            if (TRows.Count > 2)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 2] : a[lda2 + 1]);
                c2l = Avx512F.FusedMultiplyAdd(x, left, c2l);
                c2r = Avx512F.FusedMultiplyAdd(x, right, c2r);
            }
            if (TRows.Count > 3)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 3] : a3[1]);
                c3l = Avx512F.FusedMultiplyAdd(x, left, c3l);
                c3r = Avx512F.FusedMultiplyAdd(x, right, c3r);
            }
            if (TRows.Count > 4)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 4] : a3[lda + 1]);
                c4l = Avx512F.FusedMultiplyAdd(x, left, c4l);
                c4r = Avx512F.FusedMultiplyAdd(x, right, c4r);
            }
            if (TRows.Count > 5)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 5] : a3[lda2 + 1]);
                c5l = Avx512F.FusedMultiplyAdd(x, left, c5l);
                c5r = Avx512F.FusedMultiplyAdd(x, right, c5r);
            }
            if (TRows.Count > 6)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 6] : a6[1]);
                c6l = Avx512F.FusedMultiplyAdd(x, left, c6l);
                c6r = Avx512F.FusedMultiplyAdd(x, right, c6r);
            }
            if (TRows.Count > 7)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 7] : a6[lda + 1]);
                c7l = Avx512F.FusedMultiplyAdd(x, left, c7l);
                c7r = Avx512F.FusedMultiplyAdd(x, right, c7r);
            }
            if (TRows.Count > 8)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 8] : a6[lda2 + 1]);
                c8l = Avx512F.FusedMultiplyAdd(x, left, c8l);
                c8r = Avx512F.FusedMultiplyAdd(x, right, c8r);
            }
            if (TRows.Count > 9)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 9] : a9[1]);
                c9l = Avx512F.FusedMultiplyAdd(x, left, c9l);
                c9r = Avx512F.FusedMultiplyAdd(x, right, c9r);
            }
            if (TRows.Count > 10)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 10] : a9[lda + 1]);
                c10l = Avx512F.FusedMultiplyAdd(x, left, c10l);
                c10r = Avx512F.FusedMultiplyAdd(x, right, c10r);
            }
            if (TRows.Count > 11)
            {
                x = Vector512.Create(TForm.Transposed ? a[lda + 11] : a9[lda2 + 1]);
                c11l = Avx512F.FusedMultiplyAdd(x, left, c11l);
                c11r = Avx512F.FusedMultiplyAdd(x, right, c11r);
            }

            k--;
            b += TForm.Transposed ? 2 * ldb : 64;
            if (TForm.Transposed)
            {
                a += lda2;
            }
            else
            {
                a += 2;
                a3 += 2;
                a6 += 2;
                a9 += 2;
            }
        }

        Store(c0l, c0r, c + (0 * ldc), add, 0 * ldAdd);
        if (TRows.Count > 1)
            Store(c1l, c1r, c + (1 * ldc), add, 1 * ldAdd);
        if (TRows.Count > 2)
            Store(c2l, c2r, c + (2 * ldc), add, 2 * ldAdd);
        if (TRows.Count > 3)
            Store(c3l, c3r, c + (3 * ldc), add, 3 * ldAdd);
        if (TRows.Count > 4)
            Store(c4l, c4r, c + (4 * ldc), add, 4 * ldAdd);
        if (TRows.Count > 5)
            Store(c5l, c5r, c + (5 * ldc), add, 5 * ldAdd);
        if (TRows.Count > 6)
            Store(c6l, c6r, c + (6 * ldc), add, 6 * ldAdd);
        if (TRows.Count > 7)
            Store(c7l, c7r, c + (7 * ldc), add, 7 * ldAdd);
        if (TRows.Count > 8)
            Store(c8l, c8r, c + (8 * ldc), add, 8 * ldAdd);
        if (TRows.Count > 9)
            Store(c9l, c9r, c + (9 * ldc), add, 9 * ldAdd);
        if (TRows.Count > 10)
            Store(c10l, c10r, c + (10 * ldc), add, 10 * ldAdd);
        if (TRows.Count > 11)
            Store(c11l, c11r, c + (11 * ldc), add, 11 * ldAdd);
    }

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
