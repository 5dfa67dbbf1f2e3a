using Distributed.Protocol;

namespace Distributed.Simulation.Host;

/// <summary>A stream of random numbers with a purpose of its own: SplitMix64 (Steele, Lea, Flood 2014) from a derived seed.</summary>
public sealed class RandomStream(ulong seed)
{
    private ulong _state = seed;

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        _state += 0x9E3779B97F4A7C15UL;
        var value = _state;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9UL;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBUL;
        return value ^ (value >> 31);
    }

    /// <summary>A number in [0, 1).</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number in [0, <paramref name="count"/>).</summary>
    public int Next(int count) => (int)(NextDouble() * count);

    /// <summary>A number in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double Between(double low, double high) => low + NextDouble() * (high - low);

    /// <summary>True with a probability.</summary>
    public bool Chance(double probability) => NextDouble() < probability;

    /// <summary>One of them.</summary>
    public T Pick<T>(IReadOnlyList<T> choices) => choices[Next(choices.Count)];

    /// <summary>Exponentially distributed with a mean.</summary>
    public double Exponential(double mean) => -mean * Math.Log(1 - NextDouble());

    /// <summary>Log-normally distributed with a median and a shape (standard deviation of the logarithm), by Box and Muller.</summary>
    public double LogNormal(double median, double sigma) =>
        median * Math.Exp(sigma * Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble()));
}

/// <summary>
/// The random streams of a simulation, one for each purpose and owner: what one link or node draws does not shift what another draws, so a
/// node more leaves the others' fates as they were.
/// </summary>
public sealed class RandomStreams(ulong seed)
{
    /// <summary>The seed everything derives from.</summary>
    public ulong Seed => seed;

    /// <summary>A new stream for a purpose and an owner; the same ones give the same numbers.</summary>
    public RandomStream Of(string purpose, string owner = "") => new(Seeds.Derive(Seeds.Derive(seed, purpose), owner));
}
