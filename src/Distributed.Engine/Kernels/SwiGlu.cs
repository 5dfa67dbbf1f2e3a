using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>The gated unit silu(g) * u with silu(g) = g / (1 + e^-g) (Shazeer 2020, 2002.05202).</summary>
internal static unsafe class SwiGlu
{
    /// <summary>Rows [g | u] of 2 * width floats into rows of width floats.</summary>
    public static void Forward(float* gateUp, int ldGateUp, int rows, int width, float* y, int ldy)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Forward<Lane512>(gateUp, ldGateUp, rows, width, y, ldy); break;
            case SimdPath.Avx2: Forward<Lane256>(gateUp, ldGateUp, rows, width, y, ldy); break;
            default: Forward<LaneAny>(gateUp, ldGateUp, rows, width, y, ldy); break;
        }
    }

    /// <summary>As <see cref="Forward(float*, int, int, int, float*, int)"/> on gates and ups of one stride that lie anywhere.</summary>
    public static void ForwardApart(float* gates, float* ups, int ld, int rows, int width, float* y, int ldy)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: ForwardApart<Lane512>(gates, ups, ld, rows, width, y, ldy); break;
            case SimdPath.Avx2: ForwardApart<Lane256>(gates, ups, ld, rows, width, y, ldy); break;
            default: ForwardApart<LaneAny>(gates, ups, ld, rows, width, y, ldy); break;
        }
    }

    /// <summary>Overwrites rows [g | u] by their gradient, given the gradient of the outcome, and that gradient by the outcome itself.</summary>
    public static void Backward(float* dy, int lddy, float* gateUp, int ldGateUp, int rows, int width)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Backward<Lane512>(dy, lddy, gateUp, ldGateUp, rows, width); break;
            case SimdPath.Avx2: Backward<Lane256>(dy, lddy, gateUp, ldGateUp, rows, width); break;
            default: Backward<LaneAny>(dy, lddy, gateUp, ldGateUp, rows, width); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Forward<T>(float* gateUp, nint ldGateUp, int rows, int width, float* y, nint ldy)
        where T : struct, ILane<T> => ForwardApart<T>(gateUp, gateUp + width, ldGateUp, rows, width, y, ldy);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void ForwardApart<T>(float* gates, float* ups, nint ld, int rows, int width, float* y, nint ldy)
        where T : struct, ILane<T>
    {
        var whole = width - (width % T.Width);
        var rest = width - whole;
        for (var row = 0; row < rows; row++, gates += ld, ups += ld, y += ldy)
        {
            for (var i = 0; i < whole; i += T.Width)
                T.Store(Unit(T.Load(gates + i), T.Load(ups + i)), y + i);
            if (rest > 0)
                T.StoreFirst(Unit(T.LoadFirst(gates + whole, rest), T.LoadFirst(ups + whole, rest)), y + whole, rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Backward<T>(float* dy, nint lddy, float* gateUp, nint ldGateUp, int rows, int width)
        where T : struct, ILane<T>
    {
        var whole = width - (width % T.Width);
        var rest = width - whole;
        for (var row = 0; row < rows; row++, gateUp += ldGateUp, dy += lddy)
        {
            for (var i = 0; i < whole; i += T.Width)
            {
                Gradient(T.Load(dy + i), T.Load(gateUp + i), T.Load(gateUp + width + i), out var dGate, out var dUp, out var y);
                T.Store(dGate, gateUp + i);
                T.Store(dUp, gateUp + width + i);
                T.Store(y, dy + i);
            }

            if (rest > 0)
            {
                Gradient(
                    T.LoadFirst(dy + whole, rest), T.LoadFirst(gateUp + whole, rest), T.LoadFirst(gateUp + width + whole, rest), out var dGate, out var dUp, out var y);
                T.StoreFirst(dGate, gateUp + whole, rest);
                T.StoreFirst(dUp, gateUp + width + whole, rest);
                T.StoreFirst(y, dy + whole, rest);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Unit<T>(T gate, T up)
        where T : struct, ILane<T> =>
        T.Divide(T.Multiply(gate, up), T.Add(T.All(1f), Exponential.Of(T.Subtract(T.All(0f), gate))));

    // With s = sigmoid(g): d silu = s (1 + g (1 - s)).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gradient<T>(T dy, T gate, T up, out T dGate, out T dUp, out T y)
        where T : struct, ILane<T>
    {
        var one = T.All(1f);
        var sigmoid = T.Divide(one, T.Add(one, Exponential.Of(T.Subtract(T.All(0f), gate))));
        var silu = T.Multiply(gate, sigmoid);
        dUp = T.Multiply(dy, silu);
        y = T.Multiply(silu, up);
        var slope = T.Multiply(sigmoid, T.MultiplyAdd(gate, T.Subtract(one, sigmoid), one));
        dGate = T.Multiply(T.Multiply(dy, up), slope);
    }
}
