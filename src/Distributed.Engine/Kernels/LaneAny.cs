using System.Numerics;
using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>As many floats as <see cref="Vector{T}"/> has.</summary>
internal readonly unsafe struct LaneAny(Vector<float> value) : ILane<LaneAny>
{
    private readonly Vector<float> _value = value;

    public static int Width => Vector<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Load(float* from) => new(Vector.Load(from));

    public static LaneAny LoadFirst(float* from, int count)
    {
        Vector<float> value = default;
        Unsafe.CopyBlockUnaligned(&value, from, (uint)count * sizeof(float));
        return new(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(LaneAny value, float* to) => value._value.Store(to);

    public static void StoreFirst(LaneAny value, float* to, int count)
    {
        var copy = value._value;
        Unsafe.CopyBlockUnaligned(to, &copy, (uint)count * sizeof(float));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny All(float value) => new(new Vector<float>(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Add(LaneAny x, LaneAny y) => new(x._value + y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Subtract(LaneAny x, LaneAny y) => new(x._value - y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Multiply(LaneAny x, LaneAny y) => new(x._value * y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Divide(LaneAny x, LaneAny y) => new(x._value / y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny SquareRoot(LaneAny x) => new(Vector.SquareRoot(x._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny MultiplyAdd(LaneAny x, LaneAny y, LaneAny z) => new(Vector.MultiplyAddEstimate(x._value, y._value, z._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Max(LaneAny x, LaneAny y) => new(Vector.ConditionalSelect(Vector.GreaterThan(x._value, y._value), x._value, y._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Min(LaneAny x, LaneAny y) => new(Vector.ConditionalSelect(Vector.LessThan(x._value, y._value), x._value, y._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Round(LaneAny x) => new(Vector.Round(x._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Scale(LaneAny x, LaneAny n)
    {
        var exponent = Vector.ConvertToInt32(n._value) + new Vector<int>(127);
        return new(x._value * Vector.AsVectorSingle(Vector.ShiftLeft(exponent, 23)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static LaneAny Join(LaneAny first, LaneAny rest, int count) =>
        new(Vector.ConditionalSelect(Vector.LessThan(Vector<float>.Indices, new Vector<float>(count)), first._value, rest._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(LaneAny x) => Vector.Sum(x._value);

    public static float Largest(LaneAny x)
    {
        var largest = x._value[0];
        for (var lane = 1; lane < Vector<float>.Count; lane++)
            largest = x._value[lane] <= largest ? largest : x._value[lane];
        return largest;
    }
}
