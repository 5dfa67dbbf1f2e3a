using System.Runtime.CompilerServices;

namespace Distributed.Engine.Kernels;

/// <summary>
/// Rotary position embedding in Hugging Face's "rotate half" layout: components i and i + headSize/2 of a head turn by
/// position * inverseFrequency[i] (Su et al. 2021, 2104.09864).
/// </summary>
internal static unsafe class Rotary
{
    /// <summary>Turns every head of every row in place; <paramref name="backwards"/> turns the other way (the gradient).</summary>
    /// <param name="x">Rows of heads * headSize floats, <paramref name="ldx"/> apart.</param>
    /// <param name="ldx">Row stride.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="heads">Heads in a row, back to back.</param>
    /// <param name="headSize">Even.</param>
    /// <param name="positions">Position of each row.</param>
    /// <param name="cosines">[position, headSize / 2].</param>
    /// <param name="sines">[position, headSize / 2].</param>
    /// <param name="backwards">Turn by the negative angle.</param>
    public static void Apply(
        float* x, int ldx, int rows, int heads, int headSize, int* positions, float* cosines, float* sines, bool backwards = false)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Apply<Lane512>(x, ldx, rows, heads, headSize, positions, cosines, sines, backwards); break;
            case SimdPath.Avx2: Apply<Lane256>(x, ldx, rows, heads, headSize, positions, cosines, sines, backwards); break;
            default: Apply<LaneAny>(x, ldx, rows, heads, headSize, positions, cosines, sines, backwards); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Apply<T>(
        float* x, nint ldx, int rows, int heads, int headSize, int* positions, float* cosines, float* sines, bool backwards)
        where T : struct, ILane<T>
    {
        var half = headSize / 2;
        var sign = T.All(backwards ? -1f : 1f);
        for (var row = 0; row < rows; row++, x += ldx)
        {
            var cosine = cosines + ((nint)positions[row] * half);
            var sine = sines + ((nint)positions[row] * half);
            for (var i = 0; i < half; i += T.Width)
            {
                var count = Math.Min(T.Width, half - i);
                var part = count < T.Width;
                var c = part ? T.LoadFirst(cosine + i, count) : T.Load(cosine + i);
                var s = T.Multiply(sign, part ? T.LoadFirst(sine + i, count) : T.Load(sine + i));
                var minus = T.Subtract(T.All(0f), s);
                for (var head = 0; head < heads; head++)
                {
                    var low = x + ((nint)head * headSize) + i;
                    var high = low + half;
                    var u = part ? T.LoadFirst(low, count) : T.Load(low);
                    var v = part ? T.LoadFirst(high, count) : T.Load(high);
                    var turnedLow = T.MultiplyAdd(v, minus, T.Multiply(u, c));
                    var turnedHigh = T.MultiplyAdd(u, s, T.Multiply(v, c));
                    if (part)
                    {
                        T.StoreFirst(turnedLow, low, count);
                        T.StoreFirst(turnedHigh, high, count);
                    }
                    else
                    {
                        T.Store(turnedLow, low);
                        T.Store(turnedHigh, high);
                    }
                }
            }
        }
    }
}
