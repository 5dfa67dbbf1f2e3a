using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>The row-wise parts of attention on a block of queries; the products between them are <see cref="Gemm"/>'s.</summary>
internal static unsafe class AttentionRows
{
    /// <summary>
    /// Per row of scores: the first visible[row] become e^(scale (s - max)), the rest up to <paramref name="padded"/> zero.
    /// </summary>
    /// <param name="scores">[rows, ld].</param>
    /// <param name="ld">Row stride.</param>
    /// <param name="rows">Queries in the block.</param>
    /// <param name="visible">Keys each query sees, at least 1.</param>
    /// <param name="padded">Columns that the product with the values reads.</param>
    /// <param name="scale">1 / sqrt(head size).</param>
    /// <param name="inverse">Out, per row: 1 / sum.</param>
    /// <param name="kept">Out if not null, <paramref name="ldKept"/> apart: scale * max and 1 / sum, from which the probabilities can be computed again.</param>
    /// <param name="ldKept">Stride of <paramref name="kept"/>.</param>
    public static void Exponentiate(float* scores, int ld, int rows, int* visible, int padded, float scale, float* inverse, float* kept, int ldKept)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Exponentiate<Lane512>(scores, ld, rows, visible, padded, scale, inverse, kept, ldKept); break;
            case SimdPath.Avx2: Exponentiate<Lane256>(scores, ld, rows, visible, padded, scale, inverse, kept, ldKept); break;
            default: Exponentiate<LaneAny>(scores, ld, rows, visible, padded, scale, inverse, kept, ldKept); break;
        }
    }

    /// <summary>Multiplies each row by its factor.</summary>
    public static void Scale(float* x, int ldx, int rows, int width, float* factors)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Scale<Lane512>(x, ldx, rows, width, factors); break;
            case SimdPath.Avx2: Scale<Lane256>(x, ldx, rows, width, factors); break;
            default: Scale<LaneAny>(x, ldx, rows, width, factors); break;
        }
    }

    /// <summary>Per row the sum of products of two matrices' elements.</summary>
    public static void Dots(float* x, int ldx, float* y, int ldy, int rows, int width, float* dots)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Dots<Lane512>(x, ldx, y, ldy, rows, width, dots); break;
            case SimdPath.Avx2: Dots<Lane256>(x, ldx, y, ldy, rows, width, dots); break;
            default: Dots<LaneAny>(x, ldx, y, ldy, rows, width, dots); break;
        }
    }

    /// <summary>
    /// The softmax' gradient: scores become p = e^(scale s - kept[0]) kept[1], dP becomes p (dP - dot) scale, both zero from visible[row] to
    /// <paramref name="padded"/>, a multiple of 32.
    /// </summary>
    public static void Gradient(
        float* scores, float* dP, int ld, int rows, int* visible, int padded, float scale, float* kept, int ldKept, float* dots)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Gradient<Lane512>(scores, dP, ld, rows, visible, padded, scale, kept, ldKept, dots); break;
            case SimdPath.Avx2: Gradient<Lane256>(scores, dP, ld, rows, visible, padded, scale, kept, ldKept, dots); break;
            default: Gradient<LaneAny>(scores, dP, ld, rows, visible, padded, scale, kept, ldKept, dots); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exponentiate<T>(
        float* scores, int ld, int rows, int* visible, int padded, float scale, float* inverse, float* kept, int ldKept)
        where T : struct, ILane<T>
    {
        for (var row = 0; row < rows; row++, scores += ld)
        {
            var max = Softmax.Max<T>(scores, visible[row]);
            var sum = Softmax.Exponentiate<T>(scores, visible[row], padded, scale, max);
            inverse[row] = 1f / sum;
            if (kept is not null)
            {
                kept[row * ldKept] = scale * max;
                kept[(row * ldKept) + 1] = inverse[row];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale<T>(float* x, nint ldx, int rows, int width, float* factors)
        where T : struct, ILane<T>
    {
        for (var row = 0; row < rows; row++, x += ldx)
        {
            var factor = T.All(factors[row]);
            var i = 0;
            for (; i + T.Width <= width; i += T.Width)
                T.Store(T.Multiply(T.Load(x + i), factor), x + i);
            if (i < width)
                T.StoreFirst(T.Multiply(T.LoadFirst(x + i, width - i), factor), x + i, width - i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dots<T>(float* x, nint ldx, float* y, nint ldy, int rows, int width, float* dots)
        where T : struct, ILane<T>
    {
        for (var row = 0; row < rows; row++, x += ldx, y += ldy)
        {
            var sum = T.All(0f);
            var i = 0;
            for (; i + T.Width <= width; i += T.Width)
                sum = T.MultiplyAdd(T.Load(x + i), T.Load(y + i), sum);
            if (i < width)
                sum = T.MultiplyAdd(T.LoadFirst(x + i, width - i), T.LoadFirst(y + i, width - i), sum);
            dots[row] = T.Sum(sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradient<T>(
        float* scores, float* dP, nint ld, int rows, int* visible, int padded, float scale, float* kept, nint ldKept, float* dots)
        where T : struct, ILane<T>
    {
        var factor = T.All(scale);
        var zero = T.All(0f);
        for (var row = 0; row < rows; row++, scores += ld, dP += ld)
        {
            var shift = T.All(-kept[row * ldKept]);
            var inverse = T.All(kept[(row * ldKept) + 1]);
            var dot = T.All(dots[row]);
            var count = visible[row];
            var i = 0;
            for (; i < count; i += T.Width)
            {
                var p = T.Multiply(inverse, Exponential.Of(T.MultiplyAdd(T.Load(scores + i), factor, shift)));
                var d = T.Multiply(T.Multiply(p, factor), T.Subtract(T.Load(dP + i), dot));
                if (i + T.Width > count)
                {
                    p = T.Join(p, zero, count - i);
                    d = T.Join(d, zero, count - i);
                }

                T.Store(p, scores + i);
                T.Store(d, dP + i);
            }

            for (; i < padded; i += T.Width)
            {
                T.Store(zero, scores + i);
                T.Store(zero, dP + i);
            }
        }
    }
}
