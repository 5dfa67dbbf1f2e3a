namespace Distributed.Environments;

/// <summary>
/// Hashes of numbers that are the same on every machine and in every version: what a generated world is made of.
/// The mixing step is that of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
/// </summary>
public static class StableHash
{
    /// <summary>Mixes the parts, in their order, into 64 well-spread bits.</summary>
    public static ulong Of(ulong a, ulong b) => Mix(Mix(a + Step) ^ (b * Step));

    /// <inheritdoc cref="Of(ulong, ulong)"/>
    public static ulong Of(ulong a, ulong b, ulong c) => Of(Of(a, b), c);

    /// <inheritdoc cref="Of(ulong, ulong)"/>
    public static ulong Of(ulong a, ulong b, ulong c, ulong d) => Of(Of(a, b, c), d);

    /// <summary>FNV-1a over the UTF-16 code units of a text, mixed.</summary>
    public static ulong Of(ReadOnlySpan<char> text)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in text)
            hash = (hash ^ c) * 1099511628211UL;
        return Mix(hash);
    }

    /// <summary>A number in [0, <paramref name="bound"/>) from a hash.</summary>
    public static int Below(ulong hash, int bound) => (int)(((hash >> 32) * (ulong)bound) >> 32);

    internal const ulong Step = 0x9E3779B97F4A7C15UL;

    internal static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}

/// <summary>A sequence of numbers that follows from its seed alone. A mutable value: pass it by reference.</summary>
public struct HashStream(ulong seed)
{
    private ulong state = seed;

    /// <summary>The next 64 bits.</summary>
    public ulong Next() => StableHash.Mix(state += StableHash.Step);

    /// <summary>A number in [0, <paramref name="bound"/>).</summary>
    public int Below(int bound) => StableHash.Below(Next(), bound);

    /// <summary>A number in [0, 1).</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));
}
