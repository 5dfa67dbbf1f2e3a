using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>Root-mean-square normalisation of rows: y = w * x * r with r = 1 / sqrt(mean(x^2) + epsilon) (Zhang and Sennrich 2019, 1910.07467).</summary>
internal static unsafe class RmsNorm
{
    /// <summary>Normalises rows; <paramref name="inverse"/>, if not null, keeps each row's r. <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Forward(float* x, int ldx, int rows, int width, float* weight, float epsilon, float* y, int ldy, float* inverse = null)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Forward<Lane512>(x, ldx, rows, width, weight, epsilon, y, ldy, inverse); break;
            case SimdPath.Avx2: Forward<Lane256>(x, ldx, rows, width, weight, epsilon, y, ldy, inverse); break;
            default: Forward<LaneAny>(x, ldx, rows, width, weight, epsilon, y, ldy, inverse); break;
        }
    }

    /// <summary>Normalises rows whose factors are known.</summary>
    public static void Again(float* x, int ldx, int rows, int width, float* weight, float* inverse, float* y, int ldy)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Again<Lane512>(x, ldx, rows, width, weight, inverse, y, ldy); break;
            case SimdPath.Avx2: Again<Lane256>(x, ldx, rows, width, weight, inverse, y, ldy); break;
            default: Again<LaneAny>(x, ldx, rows, width, weight, inverse, y, ldy); break;
        }
    }

    /// <summary>
    /// dx [+]= r w dy - x r^3 mean(w dy x), dWeight += sum over rows of dy x r. With <paramref name="accumulate"/> dx is added to,
    /// else overwritten (then it may be the same memory as <paramref name="dy"/>).
    /// </summary>
    public static void Backward(
        float* dy, int lddy, float* x, int ldx, int rows, int width, float* weight, float* inverse, float* dx, int lddx, bool accumulate, float* dWeight)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Backward<Lane512>(dy, lddy, x, ldx, rows, width, weight, inverse, dx, lddx, accumulate, dWeight); break;
            case SimdPath.Avx2: Backward<Lane256>(dy, lddy, x, ldx, rows, width, weight, inverse, dx, lddx, accumulate, dWeight); break;
            default: Backward<LaneAny>(dy, lddy, x, ldx, rows, width, weight, inverse, dx, lddx, accumulate, dWeight); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Forward<T>(float* x, nint ldx, int rows, int width, float* weight, float epsilon, float* y, nint ldy, float* inverse)
        where T : struct, ILane<T>
    {
        var whole = width - (width % T.Width);
        var rest = width - whole;
        for (var row = 0; row < rows; row++, x += ldx, y += ldy)
        {
            var squares = T.All(0f);
            for (var i = 0; i < whole; i += T.Width)
                squares = T.MultiplyAdd(T.Load(x + i), T.Load(x + i), squares);
            if (rest > 0)
            {
                var v = T.LoadFirst(x + whole, rest);
                squares = T.MultiplyAdd(v, v, squares);
            }

            var r = 1f / MathF.Sqrt((T.Sum(squares) / width) + epsilon);
            if (inverse is not null)
                inverse[row] = r;
            Apply<T>(x, width, weight, r, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Again<T>(float* x, nint ldx, int rows, int width, float* weight, float* inverse, float* y, nint ldy)
        where T : struct, ILane<T>
    {
        for (var row = 0; row < rows; row++, x += ldx, y += ldy)
            Apply<T>(x, width, weight, inverse[row], y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply<T>(float* x, int width, float* weight, float inverse, float* y)
        where T : struct, ILane<T>
    {
        var scale = T.All(inverse);
        var i = 0;
        for (; i + T.Width <= width; i += T.Width)
            T.Store(T.Multiply(T.Load(weight + i), T.Multiply(T.Load(x + i), scale)), y + i);
        if (i < width)
            T.StoreFirst(T.Multiply(T.LoadFirst(weight + i, width - i), T.Multiply(T.LoadFirst(x + i, width - i), scale)), y + i, width - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Backward<T>(
        float* dy, nint lddy, float* x, nint ldx, int rows, int width, float* weight, float* inverse, float* dx, nint lddx, bool accumulate, float* dWeight)
        where T : struct, ILane<T>
    {
        var whole = width - (width % T.Width);
        var rest = width - whole;
        for (var row = 0; row < rows; row++, dy += lddy, x += ldx, dx += lddx)
        {
            var r = inverse[row];
            var scale = T.All(r);
            var products = T.All(0f);
            for (var i = 0; i < whole; i += T.Width)
            {
                var dyx = T.Multiply(T.Load(dy + i), T.Load(x + i));
                products = T.MultiplyAdd(dyx, T.Load(weight + i), products);
                T.Store(T.MultiplyAdd(dyx, scale, T.Load(dWeight + i)), dWeight + i);
            }

            if (rest > 0)
            {
                var dyx = T.Multiply(T.LoadFirst(dy + whole, rest), T.LoadFirst(x + whole, rest));
                products = T.MultiplyAdd(dyx, T.LoadFirst(weight + whole, rest), products);
                T.StoreFirst(T.MultiplyAdd(dyx, scale, T.LoadFirst(dWeight + whole, rest)), dWeight + whole, rest);
            }

            var pull = T.All(-r * r * r * T.Sum(products) / width);
            for (var i = 0; i < whole; i += T.Width)
            {
                var d = T.MultiplyAdd(T.Load(x + i), pull, T.Multiply(scale, T.Multiply(T.Load(weight + i), T.Load(dy + i))));
                T.Store(accumulate ? T.Add(T.Load(dx + i), d) : d, dx + i);
            }

            if (rest > 0)
            {
                var wdy = T.Multiply(T.LoadFirst(weight + whole, rest), T.LoadFirst(dy + whole, rest));
                var d = T.MultiplyAdd(T.LoadFirst(x + whole, rest), pull, T.Multiply(scale, wdy));
                T.StoreFirst(accumulate ? T.Add(T.LoadFirst(dx + whole, rest), d) : d, dx + whole, rest);
            }
        }
    }
}
