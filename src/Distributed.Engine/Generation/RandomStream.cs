namespace Distributed.Engine.Generation;

/// <summary>
/// Random numbers of one request, by counter: number n depends on the seed and n alone, so it does not matter in which order, on which
/// thread or in what company a request is served. The mixing function is SplitMix64's (Steele, Lea and Flood, OOPSLA 2014).
/// </summary>
internal readonly struct RandomStream(ulong seed)
{
    private const ulong Increment = 0x9E3779B97F4A7C15;

    // Seeds may be neighbours; mixing first keeps their streams apart.
    private readonly ulong _key = Mix(seed + Increment);

    /// <summary>Number <paramref name="index"/> of the stream, uniform in [0, 1).</summary>
    public double Uniform(int index) => (Mix(_key + ((ulong)(uint)index + 1) * Increment) >> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
