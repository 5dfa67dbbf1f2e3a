using System.Numerics;
using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>Matrix tiles of up to 4 rows x 2 vectors, for machines without the other paths.</summary>
internal static unsafe class GemmVector
{
    public const int MaxRows = 4;

    /// <summary>C[rows, 32] = [add +] A * B.</summary>
    public static void Tile<TForm>(
        int rows, float* a, nint lda, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TForm : struct, ITileForm
    {
        var rowStride = TForm.Transposed ? 1 : lda;
        var depthStride = TForm.Transposed ? lda : 1;
        var width = 2 * Vector<float>.Count;
        for (var column = 0; column < 32; column += width)
        {
            var addAt = add is null ? null : add + column;
            if (rows == 4)
                FourRows(a, rowStride, depthStride, b + column, ldb, k, c + column, ldc, addAt, ldAdd);
            else
                for (var row = 0; row < rows; row++)
                    OneRow(a + (row * rowStride), depthStride, b + column, ldb, k, c + (row * ldc) + column, addAt is null ? null : addAt + (row * ldAdd));
        }
    }

    // Optimised from the first call: the unoptimised code of MultiplyAddEstimate may round otherwise.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(
        float* a, nint rowStride, nint depthStride, float* b, nint ldb, int k, float* c, nint ldc, float* add, nint ldAdd)
    {
        Vector<float> c0l = default, c0r = default, c1l = default, c1r = default;
        Vector<float> c2l = default, c2r = default, c3l = default, c3r = default;
        for (; k > 0; k--)
        {
            var left = Vector.Load(b);
            var right = Vector.Load(b + Vector<float>.Count);
            var x = new Vector<float>(a[0]);
            c0l = Vector.MultiplyAddEstimate(x, left, c0l);
            c0r = Vector.MultiplyAddEstimate(x, right, c0r);
            x = new Vector<float>(a[rowStride]);
            c1l = Vector.MultiplyAddEstimate(x, left, c1l);
            c1r = Vector.MultiplyAddEstimate(x, right, c1r);
            x = new Vector<float>(a[2 * rowStride]);
            c2l = Vector.MultiplyAddEstimate(x, left, c2l);
            c2r = Vector.MultiplyAddEstimate(x, right, c2r);
            x = new Vector<float>(a[3 * rowStride]);
            c3l = Vector.MultiplyAddEstimate(x, left, c3l);
            c3r = Vector.MultiplyAddEstimate(x, right, c3r);
            a += depthStride;
            b += ldb;
        }

        Store(c0l, c0r, c, add);
        Store(c1l, c1r, c + ldc, add is null ? null : add + ldAdd);
        Store(c2l, c2r, c + (2 * ldc), add is null ? null : add + (2 * ldAdd));
        Store(c3l, c3r, c + (3 * ldc), add is null ? null : add + (3 * ldAdd));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(float* a, nint depthStride, float* b, nint ldb, int k, float* c, float* add)
    {
        Vector<float> left = default, right = default;
        for (; k > 0; k--)
        {
            var x = new Vector<float>(*a);
            left = Vector.MultiplyAddEstimate(x, Vector.Load(b), left);
            right = Vector.MultiplyAddEstimate(x, Vector.Load(b + Vector<float>.Count), right);
            a += depthStride;
            b += ldb;
        }

        Store(left, right, c, add);
    }

    private static void Store(Vector<float> left, Vector<float> right, float* c, float* add)
    {
        if (add is not null)
        {
            left = Vector.Load(add) + left;
            right = Vector.Load(add + Vector<float>.Count) + right;
        }

        left.Store(c);
        right.Store(c + Vector<float>.Count);
    }
}
