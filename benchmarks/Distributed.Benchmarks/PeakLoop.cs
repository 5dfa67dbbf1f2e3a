using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Benchmarks;

/// <summary>Fused multiply-adds between registers alone: what the processor could do at most.</summary>
internal static class PeakLoop
{
    /// <summary>Billions of floating-point operations of <see cref="Run"/>.</summary>
    public static double Work(long turns) => turns * 12 * Lanes * 2 / 1e9;

    private static int Lanes => Avx512F.IsSupported ? 16 : 8;

    public static float Run(long turns) => Avx512F.IsSupported ? Wide(turns) : Narrow(turns);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Wide(long turns)
    {
        var x = Vector512.Create(0.999f);
        Vector512<float> a = default, b = default, c = default, d = default, e = default, f = default;
        Vector512<float> g = default, h = default, i = default, j = default, k = default, l = default;
        for (; turns > 0; turns--)
        {
            a = Avx512F.FusedMultiplyAdd(a, x, x);
            b = Avx512F.FusedMultiplyAdd(b, x, x);
            c = Avx512F.FusedMultiplyAdd(c, x, x);
            d = Avx512F.FusedMultiplyAdd(d, x, x);
            e = Avx512F.FusedMultiplyAdd(e, x, x);
            f = Avx512F.FusedMultiplyAdd(f, x, x);
            g = Avx512F.FusedMultiplyAdd(g, x, x);
            h = Avx512F.FusedMultiplyAdd(h, x, x);
            i = Avx512F.FusedMultiplyAdd(i, x, x);
            j = Avx512F.FusedMultiplyAdd(j, x, x);
            k = Avx512F.FusedMultiplyAdd(k, x, x);
            l = Avx512F.FusedMultiplyAdd(l, x, x);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Narrow(long turns)
    {
        var x = Vector256.Create(0.999f);
        Vector256<float> a = default, b = default, c = default, d = default, e = default, f = default;
        Vector256<float> g = default, h = default, i = default, j = default, k = default, l = default;
        for (; turns > 0; turns--)
        {
            a = Fma.MultiplyAdd(a, x, x);
            b = Fma.MultiplyAdd(b, x, x);
            c = Fma.MultiplyAdd(c, x, x);
            d = Fma.MultiplyAdd(d, x, x);
            e = Fma.MultiplyAdd(e, x, x);
            f = Fma.MultiplyAdd(f, x, x);
            g = Fma.MultiplyAdd(g, x, x);
            h = Fma.MultiplyAdd(h, x, x);
            i = Fma.MultiplyAdd(i, x, x);
            j = Fma.MultiplyAdd(j, x, x);
            k = Fma.MultiplyAdd(k, x, x);
            l = Fma.MultiplyAdd(l, x, x);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
