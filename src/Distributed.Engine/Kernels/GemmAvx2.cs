using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>Matrix tiles of up to 6 rows x 16 columns in 12 of the 16 vector registers.</summary>
internal static unsafe class GemmAvx2
{
    public const int MaxRows = 6;

    /// <summary>C[rows, 32] = [add +] A * B, as two halves of 16 columns.</summary>
    public static void Tile<TForm>(
        int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TForm : struct, ITileForm
    {
        for (var column = 0; column < 32; column += 16)
        {
            var addAt = add is null ? null : add + column;
            switch (rows)
            {
                case 1: Run<Rows1, TForm>(a, lda, b + column, ldb, k, c + column, ldc, addAt, ldAdd); break;
                case 2: Run<Rows2, TForm>(a, lda, b + column, ldb, k, c + column, ldc, addAt, ldAdd); break;
                case 3: Run<Rows3, TForm>(a, lda, b + column, ldb, k, c + column, ldc, addAt, ldAdd); break;
                case 4: Run<Rows4, TForm>(a, lda, b + column, ldb, k, c + column, ldc, addAt, ldAdd); break;
                case 5: Run<Rows5, TForm>(a, lda, b + column, ldb, k, c + column, ldc, addAt, ldAdd); break;
                case 6: Run<Rows6, TForm>(a, lda, b + column, ldb, k, c + column, ldc, addAt, ldAdd); break;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TForm>(
        float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TRows : struct, ITileRows
        where TForm : struct, ITileForm
    {
        Vector256<float> c0l = default, c0r = default;
        Vector256<float> c1l = default, c1r = default;
        Vector256<float> c2l = default, c2r = default;
        Vector256<float> c3l = default, c3r = default;
        Vector256<float> c4l = default, c4r = default;
        Vector256<float> c5l = default, c5r = default;
        var a0 = a;
        var a3 = TForm.Transposed ? a : a + (3 * lda);
        for (; k > 0; k--)
        {
            var left = Avx.LoadVector256(b);
            var right = Avx.LoadVector256(b + 8);
            b += ldb;

            {
                var x = Vector256.Create(TForm.Transposed ? a0[0] : *a0);
                c0l = Fma.MultiplyAdd(x, left, c0l);
                c0r = Fma.MultiplyAdd(x, right, c0r);
            }
            if (TRows.Count > 1)
            {
                var x = Vector256.Create(TForm.Transposed ? a0[1] : *(a0 + lda));
                c1l = Fma.MultiplyAdd(x, left, c1l);
                c1r = Fma.MultiplyAdd(x, right, c1r);
            }
            if (TRows.Count > 2)
            {
                var x = Vector256.Create(TForm.Transposed ? a0[2] : *(a0 + (2 * lda)));
                c2l = Fma.MultiplyAdd(x, left, c2l);
                c2r = Fma.MultiplyAdd(x, right, c2r);
            }
            if (TRows.Count > 3)
            {
                var x = Vector256.Create(TForm.Transposed ? a0[3] : *a3);
                c3l = Fma.MultiplyAdd(x, left, c3l);
                c3r = Fma.MultiplyAdd(x, right, c3r);
            }
            if (TRows.Count > 4)
            {
                var x = Vector256.Create(TForm.Transposed ? a0[4] : *(a3 + lda));
                c4l = Fma.MultiplyAdd(x, left, c4l);
                c4r = Fma.MultiplyAdd(x, right, c4r);
            }
            if (TRows.Count > 5)
            {
                var x = Vector256.Create(TForm.Transposed ? a0[5] : *(a3 + (2 * lda)));
                c5l = Fma.MultiplyAdd(x, left, c5l);
                c5r = Fma.MultiplyAdd(x, right, c5r);
            }

            if (TForm.Transposed)
            {
                a0 += lda;
            }
            else
            {
                a0++;
                a3++;
            }
        }

        Store(c0l, c0r, c + (0 * ldc), add, 0 * ldAdd);
        if (TRows.Count > 1) Store(c1l, c1r, c + (1 * ldc), add, 1 * ldAdd);
        if (TRows.Count > 2) Store(c2l, c2r, c + (2 * ldc), add, 2 * ldAdd);
        if (TRows.Count > 3) Store(c3l, c3r, c + (3 * ldc), add, 3 * ldAdd);
        if (TRows.Count > 4) Store(c4l, c4r, c + (4 * ldc), add, 4 * ldAdd);
        if (TRows.Count > 5) Store(c5l, c5r, c + (5 * ldc), add, 5 * ldAdd);
    }

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
