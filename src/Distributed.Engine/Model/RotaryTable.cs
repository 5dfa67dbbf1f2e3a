using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>Cosines and sines of the rotary embedding, [position, headSize / 2].</summary>
internal sealed unsafe class RotaryTable : IDisposable
{
    private readonly FloatBuffer _cosines;
    private readonly FloatBuffer _sines;

    public RotaryTable(ModelConfig config, int positions)
    {
        var half = config.HeadSize / 2;
        Positions = positions;
        _cosines = new FloatBuffer((long)positions * half);
        _sines = new FloatBuffer((long)positions * half);
        var frequencies = InverseFrequencies(config);
        for (var position = 0; position < positions; position++)
            for (var i = 0; i < half; i++)
            {
                // The angle is rounded to float32 first, as the reference implementation does.
                var (sine, cosine) = Math.SinCos(position * frequencies[i]);
                _cosines.Pointer[((long)position * half) + i] = (float)cosine;
                _sines.Pointer[((long)position * half) + i] = (float)sine;
            }
    }

    /// <summary>Rows of the table.</summary>
    public int Positions { get; }

    public float* Cosines => _cosines.Pointer;

    public float* Sines => _sines.Pointer;

    /// <summary>theta^(-2i/headSize), stretched as the configuration asks (Llama 3: by wavelength, with a linear blend between the bands).</summary>
    public static float[] InverseFrequencies(ModelConfig config)
    {
        var frequencies = new float[config.HeadSize / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            var frequency = 1 / Math.Pow(config.RopeTheta, 2.0 * i / config.HeadSize);
            frequencies[i] = (float)(config.RopeScaling is { } scaling ? Stretch(frequency, scaling) : frequency);
        }

        return frequencies;
    }

    public void Dispose()
    {
        _cosines.Dispose();
        _sines.Dispose();
    }

    private static double Stretch(double frequency, Llama3RopeScaling scaling)
    {
        var turns = scaling.OriginalPositions * frequency / (2 * Math.PI);
        if (turns > scaling.HighFrequencyFactor)
            return frequency;
        if (turns < scaling.LowFrequencyFactor)
            return frequency / scaling.Factor;
        var smooth = (turns - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return ((1 - smooth) * frequency / scaling.Factor) + (smooth * frequency);
    }
}
