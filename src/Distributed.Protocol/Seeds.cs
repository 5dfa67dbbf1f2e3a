using System.Numerics;

namespace Distributed.Protocol;

/// <summary>
/// Seeds by purpose: every random choice of a run is derived from the run's seed, a purpose and the indices of what it is for,
/// never from the order in which things happen. A job done again draws the same numbers.
/// </summary>
public static class Seeds
{
    /// <summary>A 64-bit seed for (<paramref name="seed"/>, <paramref name="purpose"/>, indices).</summary>
    public static ulong Derive(ulong seed, string purpose, params ReadOnlySpan<long> indices)
    {
        var state = Mix(seed ^ 0x9E3779B97F4A7C15UL);
        foreach (var letter in purpose) state = Mix(state ^ letter);
        foreach (var index in indices) state = Mix(BitOperations.RotateLeft(state, 23) ^ (ulong)index);
        return state;
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that scatters every input bit over all output bits.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15UL;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9UL;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBUL;
        return value ^ (value >> 31);
    }
}
