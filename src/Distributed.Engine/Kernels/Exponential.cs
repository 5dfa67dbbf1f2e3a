using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>
/// e^x for a vector: 2^n * p(r) with x = n ln 2 + r and the degree-5 polynomial of the Cephes library's expf (S. Moshier).
/// Relative error below 2e-7 between -60 and 88; outside it stays at the ends (8.8e-27 is nothing beside 1, and smaller numbers would soon
/// have products too small for normal floats, which are a hundred times slower); not-a-number stays so.
/// </summary>
internal static class Exponential
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Of<T>(T x)
        where T : struct, ILane<T>
    {
        x = T.Min(T.All(88f), T.Max(T.All(-60f), x));
        var n = T.Round(T.Multiply(x, T.All(1.44269504f)));
        var r = T.MultiplyAdd(n, T.All(-0.693359375f), x);
        r = T.MultiplyAdd(n, T.All(2.12194440e-4f), r);
        var p = T.All(1.9875691500e-4f);
        p = T.MultiplyAdd(p, r, T.All(1.3981999507e-3f));
        p = T.MultiplyAdd(p, r, T.All(8.3334519073e-3f));
        p = T.MultiplyAdd(p, r, T.All(4.1665795894e-2f));
        p = T.MultiplyAdd(p, r, T.All(1.6666665459e-1f));
        p = T.MultiplyAdd(p, r, T.All(5.0000001201e-1f));
        p = T.MultiplyAdd(p, T.Multiply(r, r), T.Add(r, T.All(1f)));
        return T.Scale(p, n);
    }
}
