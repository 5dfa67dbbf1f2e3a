using System.Runtime.CompilerServices;
using Distributed.Engine.Kernels;

namespace Distributed.Engine.Training;

/// <summary>Adds the threads' gradients, always in the same order, and measures the sum.</summary>
internal static unsafe class GradientSum
{
    /// <summary>Adds [start, start + length) of <paramref name="from"/> onto <paramref name="to"/> and clears it there.</summary>
    public static void Move(float* from, float* to, long start, int length)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Move<Lane512>(from + start, to + start, length); break;
            case SimdPath.Avx2: Move<Lane256>(from + start, to + start, length); break;
            default: Move<LaneAny>(from + start, to + start, length); break;
        }
    }

    /// <summary>Sum of squares of [start, start + length); not finite if an element is not.</summary>
    public static double Squares(float* gradient, long start, int length) => Simd.Path switch
    {
        SimdPath.Avx512 => Squares<Lane512>(gradient + start, length),
        SimdPath.Avx2 => Squares<Lane256>(gradient + start, length),
        _ => Squares<LaneAny>(gradient + start, length),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Move<T>(float* from, float* to, int length)
        where T : struct, ILane<T>
    {
        var i = 0;
        for (; i + T.Width <= length; i += T.Width)
        {
            T.Store(T.Add(T.Load(to + i), T.Load(from + i)), to + i);
            T.Store(T.All(0f), from + i);
        }

        for (; i < length; i++)
        {
            to[i] += from[i];
            from[i] = 0f;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Squares<T>(float* x, int length)
        where T : struct, ILane<T>
    {
        double all = 0;
        var i = 0;
        while (i + T.Width <= length)
        {
            var sum = T.All(0f);
            for (var end = Math.Min(i + (64 * T.Width), length - T.Width + 1); i < end; i += T.Width)
                sum = T.MultiplyAdd(T.Load(x + i), T.Load(x + i), sum);
            all += T.Sum(sum);
        }

        for (; i < length; i++)
            all += (double)x[i] * x[i];
        return all;
    }
}
