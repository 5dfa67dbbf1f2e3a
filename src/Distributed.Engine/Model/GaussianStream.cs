namespace Distributed.Engine.Model;

/// <summary>Standard normal numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014) and the Box-Muller transform. The same on every machine to float precision.</summary>
internal sealed class GaussianStream(ulong seed)
{
    private ulong _state = seed;
    private double _spare;
    private bool _hasSpare;

    public double Next()
    {
        if (_hasSpare)
        {
            _hasSpare = false;
            return _spare;
        }

        var radius = Math.Sqrt(-2 * Math.Log(1 - Uniform()));
        var (sine, cosine) = Math.SinCos(2 * Math.PI * Uniform());
        _spare = radius * sine;
        _hasSpare = true;
        return radius * cosine;
    }

    private double Uniform()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
