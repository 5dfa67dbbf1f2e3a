using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// A seeded permutation of 0..n-1 without memory: a four-round Feistel network over the next power of four, walked until the value
/// falls inside (Black and Rogaway 2002, cycle walking). Expected work is below four rounds of walking.
/// </summary>
public static class Permutation
{
    /// <summary>Where <paramref name="index"/> is sent; a bijection on [0, <paramref name="count"/>).</summary>
    public static long At(long index, long count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
        var halfBits = 1;
        while (halfBits < 31 && 1L << (2 * halfBits) < count) halfBits++;
        var mask = (1UL << halfBits) - 1;
        var value = (ulong)index;
        do
        {
            ulong left = value >> halfBits, right = value & mask;
            for (var round = 0; round < 4; round++)
                (left, right) = (right, left ^ (Seeds.Derive(seed, "round", round, (long)right) & mask));
            value = (left << halfBits) | right;
        }
        while (value >= (ulong)count);
        return (long)value;
    }
}
