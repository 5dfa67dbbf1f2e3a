using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>
/// Products with a matrix kept as bfloat16, computed in float32. Few rows read the words straight from memory, which is what such a product
/// waits for; for many rows a panel is unpacked once and multiplied as float32. Both give the bits that float32 panels of the same values give.
/// </summary>
internal static unsafe class GemmHalf
{
    /// <summary>Most rows that are multiplied without unpacking a panel first.</summary>
    internal const int DirectRows = 8;
    private const int Width = PackedMatrix.PanelWidth;
    private const uint UpperHalf = 0xFFFF0000u;

    [ThreadStatic]
    private static FloatBuffer? t_panel;

    /// <summary>C[m, columns] = [add +] A[m, K] * B[:, first ..]; see <see cref="Gemm.MultiplyColumns"/>.</summary>
    public static void Multiply(float* a, int lda, int m, HalfPanels b, int first, int count, float* c, int ldc, float* add, int ldAdd)
    {
        var tile = stackalloc float[DirectRows * Width];
        float* unpacked = m > DirectRows ? Reserve((long)b.K * Width) : null;
        for (var column = 0; column < count; column += Width)
        {
            var panel = b.Pointer + ((nint)(first + column) * b.K);
            var columns = Math.Min(Width, count - column);
            var addAt = add is null ? null : add + column;
            if (unpacked is not null)
            {
                Unpack(b.Path, panel, (nint)b.K * Width, unpacked);
                Gemm.MultiplyPanels(b.Path, a, lda, m, unpacked, b.K, b.K, columns, c + column, ldc, addAt, ldAdd);
            }
            else if (columns == Width)
            {
                Direct(b.Path, a, lda, m, panel, b.K, c + column, ldc, addAt, ldAdd);
            }
            else
            {
                Direct(b.Path, a, lda, m, panel, b.K, tile, Width, null, 0);
                for (var row = 0; row < m; row++)
                    for (var i = 0; i < columns; i++)
                        c[((nint)row * ldc) + column + i] = addAt is null ? tile[(row * Width) + i] : addAt[((nint)row * ldAdd) + i] + tile[(row * Width) + i];
            }
        }
    }

    private static float* Reserve(long floats)
    {
        if (t_panel is null || t_panel.Length < floats)
        {
            t_panel?.Dispose();
            t_panel = new FloatBuffer(floats);
        }

        return t_panel.Pointer;
    }

    private static void Direct(SimdPath path, float* a, nint lda, int rows, ushort* b, int k, float* c, nint ldc, float* add, nint ldAdd)
    {
        if (path == SimdPath.Avx512)
        {
            switch (rows)
            {
                case 1: Rows512<Rows1>(a, lda, b, k, c, ldc, add, ldAdd); break;
                case 2: Rows512<Rows2>(a, lda, b, k, c, ldc, add, ldAdd); break;
                case 3: Rows512<Rows3>(a, lda, b, k, c, ldc, add, ldAdd); break;
                case 4: Rows512<Rows4>(a, lda, b, k, c, ldc, add, ldAdd); break;
                case 5: Rows512<Rows5>(a, lda, b, k, c, ldc, add, ldAdd); break;
                case 6: Rows512<Rows6>(a, lda, b, k, c, ldc, add, ldAdd); break;
                case 7: Rows512<Rows7>(a, lda, b, k, c, ldc, add, ldAdd); break;
                case 8: Rows512<Rows8>(a, lda, b, k, c, ldc, add, ldAdd); break;
            }

            return;
        }

        var highest = path == SimdPath.Avx2 ? 4 : 1;
        for (var row = 0; row < rows; row += highest, a += highest * lda, c += highest * ldc)
        {
            var addRow = add is null ? null : add + (row * ldAdd);
            if (path != SimdPath.Avx2)
                RowAny(a, b, k, c, addRow);
            else
                switch (Math.Min(highest, rows - row))
                {
                    case 1: Rows256<Rows1>(a, lda, b, k, c, ldc, addRow, ldAdd); break;
                    case 2: Rows256<Rows2>(a, lda, b, k, c, ldc, addRow, ldAdd); break;
                    case 3: Rows256<Rows3>(a, lda, b, k, c, ldc, addRow, ldAdd); break;
                    case 4: Rows256<Rows4>(a, lda, b, k, c, ldc, addRow, ldAdd); break;
                }
        }
    }

    // Words that share 32 bits belong to columns one vector apart: the lower word shifted up is one float, the upper one masked the other.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(SimdPath path, ushort* from, nint words, float* to)
    {
        if (path == SimdPath.Avx512)
        {
            var mask = Vector512.Create(UpperHalf);
            for (nint i = 0; i < words; i += 32)
            {
                var pair = Vector512.Load((uint*)(from + i));
                Vector512.Store(pair << 16, (uint*)to + i);
                Vector512.Store(pair & mask, (uint*)to + i + 16);
            }
        }
        else if (path == SimdPath.Avx2)
        {
            var mask = Vector256.Create(UpperHalf);
            for (nint i = 0; i < words; i += 16)
            {
                var pair = Vector256.Load((uint*)(from + i));
                Vector256.Store(pair << 16, (uint*)to + i);
                Vector256.Store(pair & mask, (uint*)to + i + 8);
            }
        }
        else
        {
            var mask = new Vector<uint>(UpperHalf);
            for (nint i = 0; i < words; i += 2 * Vector<uint>.Count)
            {
                var pair = Vector.Load((uint*)(from + i));
                Vector.Store(pair << 16, (uint*)to + i);
                Vector.Store(pair & mask, (uint*)to + i + Vector<uint>.Count);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows512<TRows>(float* a, nint lda, ushort* b, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TRows : struct, ITileRows
    {
        Vector512<float> c0l = default, c0r = default, c1l = default, c1r = default, c2l = default, c2r = default, c3l = default, c3r = default;
        Vector512<float> c4l = default, c4r = default, c5l = default, c5r = default, c6l = default, c6r = default, c7l = default, c7r = default;
        var mask = Vector512.Create(UpperHalf);
        var a3 = a + (3 * lda);
        var a6 = a + (6 * lda);
        for (; k > 0; k--, a++, a3++, a6++, b += Width)
        {
            var pair = Vector512.Load((uint*)b);
            var left = (pair << 16).AsSingle();
            var right = (pair & mask).AsSingle();
            var x = Vector512.Create(a[0]);
            c0l = Avx512F.FusedMultiplyAdd(x, left, c0l);
            c0r = Avx512F.FusedMultiplyAdd(x, right, c0r);
            if (TRows.Count > 1)
            {
                x = Vector512.Create(a[lda]);
                c1l = Avx512F.FusedMultiplyAdd(x, left, c1l);
                c1r = Avx512F.FusedMultiplyAdd(x, right, c1r);
            }

            if (TRows.Count > 2)
            {
                x = Vector512.Create(a[2 * lda]);
                c2l = Avx512F.FusedMultiplyAdd(x, left, c2l);
                c2r = Avx512F.FusedMultiplyAdd(x, right, c2r);
            }

            if (TRows.Count > 3)
            {
                x = Vector512.Create(a3[0]);
                c3l = Avx512F.FusedMultiplyAdd(x, left, c3l);
                c3r = Avx512F.FusedMultiplyAdd(x, right, c3r);
            }

            if (TRows.Count > 4)
            {
                x = Vector512.Create(a3[lda]);
                c4l = Avx512F.FusedMultiplyAdd(x, left, c4l);
                c4r = Avx512F.FusedMultiplyAdd(x, right, c4r);
            }

            if (TRows.Count > 5)
            {
                x = Vector512.Create(a3[2 * lda]);
                c5l = Avx512F.FusedMultiplyAdd(x, left, c5l);
                c5r = Avx512F.FusedMultiplyAdd(x, right, c5r);
            }

            if (TRows.Count > 6)
            {
                x = Vector512.Create(a6[0]);
                c6l = Avx512F.FusedMultiplyAdd(x, left, c6l);
                c6r = Avx512F.FusedMultiplyAdd(x, right, c6r);
            }

            if (TRows.Count > 7)
            {
                x = Vector512.Create(a6[lda]);
                c7l = Avx512F.FusedMultiplyAdd(x, left, c7l);
                c7r = Avx512F.FusedMultiplyAdd(x, right, c7r);
            }
        }

        Store(c0l, c0r, c, add);
        if (TRows.Count > 1)
            Store(c1l, c1r, c + ldc, add is null ? null : add + ldAdd);
        if (TRows.Count > 2)
            Store(c2l, c2r, c + (2 * ldc), add is null ? null : add + (2 * ldAdd));
        if (TRows.Count > 3)
            Store(c3l, c3r, c + (3 * ldc), add is null ? null : add + (3 * ldAdd));
        if (TRows.Count > 4)
            Store(c4l, c4r, c + (4 * ldc), add is null ? null : add + (4 * ldAdd));
        if (TRows.Count > 5)
            Store(c5l, c5r, c + (5 * ldc), add is null ? null : add + (5 * ldAdd));
        if (TRows.Count > 6)
            Store(c6l, c6r, c + (6 * ldc), add is null ? null : add + (6 * ldAdd));
        if (TRows.Count > 7)
            Store(c7l, c7r, c + (7 * ldc), add is null ? null : add + (7 * ldAdd));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows256<TRows>(float* a, nint lda, ushort* b, int k, float* c, nint ldc, float* add, nint ldAdd)
        where TRows : struct, ITileRows
    {
        var mask = Vector256.Create(UpperHalf);
        for (var column = 0; column < Width; column += 16)
        {
            Vector256<float> c0l = default, c0r = default, c1l = default, c1r = default, c2l = default, c2r = default, c3l = default, c3r = default;
            var from = a;
            var words = b + column;
            for (var row = 0; row < k; row++, from++, words += Width)
            {
                var pair = Vector256.Load((uint*)words);
                var left = (pair << 16).AsSingle();
                var right = (pair & mask).AsSingle();
                var x = Vector256.Create(from[0]);
                c0l = Fma.MultiplyAdd(x, left, c0l);
                c0r = Fma.MultiplyAdd(x, right, c0r);
                if (TRows.Count > 1)
                {
                    x = Vector256.Create(from[lda]);
                    c1l = Fma.MultiplyAdd(x, left, c1l);
                    c1r = Fma.MultiplyAdd(x, right, c1r);
                }

                if (TRows.Count > 2)
                {
                    x = Vector256.Create(from[2 * lda]);
                    c2l = Fma.MultiplyAdd(x, left, c2l);
                    c2r = Fma.MultiplyAdd(x, right, c2r);
                }

                if (TRows.Count > 3)
                {
                    x = Vector256.Create(from[3 * lda]);
                    c3l = Fma.MultiplyAdd(x, left, c3l);
                    c3r = Fma.MultiplyAdd(x, right, c3r);
                }
            }

            var addAt = add is null ? null : add + column;
            Store(c0l, c0r, c + column, addAt);
            if (TRows.Count > 1)
                Store(c1l, c1r, c + ldc + column, addAt is null ? null : addAt + ldAdd);
            if (TRows.Count > 2)
                Store(c2l, c2r, c + (2 * ldc) + column, addAt is null ? null : addAt + (2 * ldAdd));
            if (TRows.Count > 3)
                Store(c3l, c3r, c + (3 * ldc) + column, addAt is null ? null : addAt + (3 * ldAdd));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowAny(float* a, ushort* b, int k, float* c, float* add)
    {
        var lanes = Vector<float>.Count;
        var mask = new Vector<uint>(UpperHalf);
        for (var column = 0; column < Width; column += 2 * lanes)
        {
            Vector<float> left = default, right = default;
            var words = b + column;
            for (var row = 0; row < k; row++, words += Width)
            {
                var pair = Vector.Load((uint*)words);
                var x = new Vector<float>(a[row]);
                left = Vector.MultiplyAddEstimate(x, Vector.AsVectorSingle(pair << 16), left);
                right = Vector.MultiplyAddEstimate(x, Vector.AsVectorSingle(pair & mask), right);
            }

            if (add is not null)
            {
                left = Vector.Load(add + column) + left;
                right = Vector.Load(add + column + lanes) + right;
            }

            Vector.Store(left, c + column);
            Vector.Store(right, c + column + lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> left, Vector512<float> right, float* c, float* add)
    {
        if (add is not null)
        {
            left = Avx512F.Add(Avx512F.LoadVector512(add), left);
            right = Avx512F.Add(Avx512F.LoadVector512(add + 16), right);
        }

        Avx512F.Store(c, left);
        Avx512F.Store(c + 16, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> left, Vector256<float> right, float* c, float* add)
    {
        if (add is not null)
        {
            left = Avx.Add(Avx.LoadVector256(add), left);
            right = Avx.Add(Avx.LoadVector256(add + 8), right);
        }

        Avx.Store(c, left);
        Avx.Store(c + 8, right);
    }
}
