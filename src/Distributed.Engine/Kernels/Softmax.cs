using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>The parts of softmax and its gradient on one row. Lane j of the running sums takes the elements j, j + width, ..: zeros behind a row change nothing.</summary>
internal static unsafe class Softmax
{
    /// <summary>
    /// Overwrites x[0..count) by e^(scale (x - max)) and x[count..padded) by 0; returns the sum. log of the softmax' denominator is
    /// scale * max + log(sum).
    /// </summary>
    public static float Exponentiate(float* x, int count, int padded, float scale, out float max)
    {
        max = Max(x, count);
        return Simd.Path switch
        {
            SimdPath.Avx512 => Exponentiate<Lane512>(x, count, padded, scale, max),
            SimdPath.Avx2 => Exponentiate<Lane256>(x, count, padded, scale, max),
            _ => Exponentiate<LaneAny>(x, count, padded, scale, max),
        };
    }

    /// <summary>As <see cref="Exponentiate"/> at scale 1, with the entropy in nats of the distribution.</summary>
    public static float ExponentiateWithEntropy(float* x, int count, out float max, out float entropy)
    {
        max = Max(x, count);
        float weighted;
        var sum = Simd.Path switch
        {
            SimdPath.Avx512 => WithEntropy<Lane512>(x, count, max, out weighted),
            SimdPath.Avx2 => WithEntropy<Lane256>(x, count, max, out weighted),
            _ => WithEntropy<LaneAny>(x, count, max, out weighted),
        };
        entropy = MathF.Log(sum) - (weighted / sum);
        return sum;
    }

    /// <summary>log(sum e^x) of a row that is left as it is.</summary>
    public static float LogSumExp(float* x, int count)
    {
        var max = Max(x, count);
        var sum = Simd.Path switch
        {
            SimdPath.Avx512 => SumExp<Lane512>(x, count, max),
            SimdPath.Avx2 => SumExp<Lane256>(x, count, max),
            _ => SumExp<LaneAny>(x, count, max),
        };
        return max + MathF.Log(sum);
    }

    public static float Max(float* x, int count) => Simd.Path switch
    {
        SimdPath.Avx512 => Max<Lane512>(x, count),
        SimdPath.Avx2 => Max<Lane256>(x, count),
        _ => Max<LaneAny>(x, count),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Max<T>(float* x, int count)
        where T : struct, ILane<T>
    {
        if (count < T.Width)
            return T.Largest(T.Join(T.LoadFirst(x, count), T.All(x[0]), count));

        // The last vector overlaps its neighbour: a maximum does not mind counting twice.
        var max = T.Load(x + count - T.Width);
        for (var i = 0; i + T.Width <= count; i += T.Width)
            max = T.Max(T.Load(x + i), max);
        return T.Largest(max);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Exponentiate<T>(float* x, int count, int padded, float scale, float max)
        where T : struct, ILane<T>
    {
        var factor = T.All(scale);
        var shift = T.All(-scale * max);
        var zero = T.All(0f);
        var sum = zero;
        var i = 0;
        for (; i + T.Width <= count; i += T.Width)
        {
            var e = Exponential.Of(T.MultiplyAdd(T.Load(x + i), factor, shift));
            sum = T.Add(sum, e);
            T.Store(e, x + i);
        }

        if (i < count)
        {
            var rest = count - i;
            var e = T.Join(Exponential.Of(T.MultiplyAdd(T.LoadFirst(x + i, rest), factor, shift)), zero, rest);
            sum = T.Add(sum, e);
            T.StoreFirst(e, x + i, Math.Min(T.Width, padded - i));
            i += T.Width;
        }

        for (; i < padded; i += T.Width)
            T.StoreFirst(zero, x + i, Math.Min(T.Width, padded - i));
        return T.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float WithEntropy<T>(float* x, int count, float max, out float weighted)
        where T : struct, ILane<T>
    {
        var shift = T.All(max);
        var sum = T.All(0f);
        var products = T.All(0f);
        var i = 0;
        for (; i + T.Width <= count; i += T.Width)
        {
            var v = T.Subtract(T.Load(x + i), shift);
            var e = Exponential.Of(v);
            sum = T.Add(sum, e);
            products = T.MultiplyAdd(e, v, products);
            T.Store(e, x + i);
        }

        if (i < count)
        {
            var rest = count - i;
            var v = T.Subtract(T.LoadFirst(x + i, rest), shift);
            var e = T.Join(Exponential.Of(v), T.All(0f), rest);
            T.StoreFirst(e, x + i, rest);
            sum = T.Add(sum, e);
            products = T.MultiplyAdd(e, v, products);
        }

        weighted = T.Sum(products);
        return T.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float SumExp<T>(float* x, int count, float max)
        where T : struct, ILane<T>
    {
        var shift = T.All(max);
        var sum = T.All(0f);
        var i = 0;
        for (; i + T.Width <= count; i += T.Width)
            sum = T.Add(sum, Exponential.Of(T.Subtract(T.Load(x + i), shift)));
        if (i < count)
        {
            var e = Exponential.Of(T.Subtract(T.LoadFirst(x + i, count - i), shift));
            sum = T.Add(sum, T.Join(e, T.All(0f), count - i));
        }

        return T.Sum(sum);
    }
}
