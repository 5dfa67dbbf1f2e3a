namespace Distributed.Engine.Adapters;

/// <summary>Uniform numbers in [0, 1) from a seed (SplitMix64, Steele et al. 2014), the same everywhere and for ever.</summary>
internal sealed class UniformStream(ulong seed)
{
    private ulong _state = seed;

    public double Next()
    {
        var z = _state += 0x9E3779B97F4A7C15ul;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBul;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1ul << 53));
    }
}
