using Distributed.Engine.Adapters;
using Distributed.Engine.Model;

namespace Distributed.Engine.Formats;

/// <summary>Writes model folders of random weights, of any size and with next to no memory: to try loading, memory and speed without a download.</summary>
public static class RandomModel
{
    private const int BlockFloats = 1 << 16;

    /// <summary>Writes config.json and model.safetensors: matrices uniform with variance 1 / inputs, norms 1, biases 0.</summary>
    /// <param name="folder">Where; made if it is not there.</param>
    /// <param name="config">The shape.</param>
    /// <param name="type">Type of the weights.</param>
    /// <param name="seed">The same seed gives the same weights.</param>
    /// <exception cref="ArgumentException">The shape is impossible.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string folder, ModelConfig config, WeightType type, ulong seed)
    {
        if (config.Complaint() is { } complaint)
            throw new ArgumentException(complaint, nameof(config));
        Directory.CreateDirectory(folder);
        var tensors = new ModelLayout(config).Tensors;
        var random = new UniformStream(seed);
        SafetensorsWriter.Write(Path.Combine(folder, ModelFolder.WeightsName), tensors, type, SafetensorsWriter.Metadata, file =>
        {
            foreach (var tensor in tensors)
            {
                var bound = tensor.Shape.Count == 1 ? 0 : Math.Sqrt(3.0 / tensor.Shape[1]);
                var middle = tensor.Shape.Count == 1 && !tensor.Name.EndsWith("bias", StringComparison.Ordinal) ? 1 : 0;
                Fill(file, tensor.ElementCount, type, () => (float)(middle + (bound * ((2 * random.Next()) - 1))));
            }
        });
        ConfigFile.Save(Path.Combine(folder, ModelFolder.ConfigName), config, type);
    }

    private static unsafe void Fill(Stream file, long count, WeightType type, Func<float> next)
    {
        var floats = new float[BlockFloats];
        var bytes = new byte[BlockFloats * type.Size()];
        fixed (float* values = floats)
        fixed (byte* narrowed = bytes)
        {
            for (; count > 0; count -= BlockFloats)
            {
                var part = (int)Math.Min(BlockFloats, count);
                for (var i = 0; i < part; i++)
                    values[i] = next();
                WeightTypes.FromFloats(values, type, narrowed, part);
                file.Write(new ReadOnlySpan<byte>(narrowed, part * type.Size()));
            }
        }
    }
}
