using Distributed.Engine.Formats;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>A model's files as a checkpoint needs them: flat weights to a Hugging Face folder and back, the optimizer's state to safetensors and back.</summary>
public static class ModelFiles
{
    private const string StepName = "step";

    /// <summary>The shape and the flat weights of a folder.</summary>
    /// <exception cref="ModelFormatException">A file is missing or broken.</exception>
    public static (ModelConfig Config, byte[] Weights) Read(string folder)
    {
        using var weights = ModelFolder.Load(folder);
        var bytes = new byte[weights.ByteCount];
        weights.CopyTo(bytes);
        return (weights.Config, bytes);
    }

    /// <summary>The shape of a folder whose weights may be elsewhere.</summary>
    /// <exception cref="ModelFormatException">config.json is missing or broken.</exception>
    public static ModelConfig ReadConfig(string folder) => ConfigFile.Load(Path.Combine(folder, ModelFolder.ConfigName));

    /// <summary>Writes config.json alone.</summary>
    public static void WriteConfig(string folder, ModelConfig config) => ConfigFile.Save(Path.Combine(folder, ModelFolder.ConfigName), config);

    /// <summary>Flat random weights of a seed, as a new engine begins with.</summary>
    public static byte[] Random(ModelConfig config, ulong seed)
    {
        using var weights = ModelWeights.Random(config, seed);
        var bytes = new byte[weights.ByteCount];
        weights.CopyTo(bytes);
        return bytes;
    }

    /// <summary>Writes config.json and model.safetensors.</summary>
    /// <exception cref="IOException">The folder cannot be written or the disk is full.</exception>
    /// <exception cref="ArgumentException">The weights are not those of such a model.</exception>
    public static void Write(string folder, ModelConfig config, ReadOnlySpan<byte> flat)
    {
        using var weights = new ModelWeights(config);
        weights.CopyFrom(flat);
        ModelFolder.Save(folder, weights);
    }

    /// <summary>Names and shapes of a model's tensors, in the order of its flat weights.</summary>
    public static IReadOnlyList<TensorShape> TensorsOf(ModelConfig config) => new ModelLayout(config).Tensors;

    /// <summary>Writes the moments as tensors <c>exp_avg.NAME</c> and <c>exp_avg_sq.NAME</c>, and the step as torch does, a float32 (exact below 2^24).</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void WriteOptimizer(string path, IReadOnlyList<TensorShape> tensors, OptimizerState state)
    {
        var step = BitConverter.GetBytes((float)state.Step);
        var empty = new byte[tensors.Sum(tensor => tensor.ElementCount) * sizeof(float)];
        SafetensorsWriter.Write(path, [.. Moments(tensors), new TensorShape(StepName, [1])], new Dictionary<string, string> { ["format"] = "pt" },
            [state.FirstMoment.IsEmpty ? empty : state.FirstMoment, state.SecondMoment.IsEmpty ? empty : state.SecondMoment, step]);
    }

    /// <summary>Reads back what <see cref="WriteOptimizer"/> wrote.</summary>
    /// <exception cref="ModelFormatException">The file is missing, broken, or another model's.</exception>
    public static unsafe OptimizerState ReadOptimizer(string path, IReadOnlyList<TensorShape> trained)
    {
        using var file = SafetensorsFile.Open(path);
        var count = trained.Sum(tensor => tensor.ElementCount);
        var (first, second) = (new byte[count * sizeof(float)], new byte[count * sizeof(float)]);
        var tensors = Moments(trained);
        var half = tensors.Count / 2;
        fixed (byte* firstPointer = first, secondPointer = second)
        {
            Read(file, tensors.Take(half), (float*)firstPointer);
            Read(file, tensors.Skip(half), (float*)secondPointer);
        }

        float step;
        Read(file, [new TensorShape(StepName, [1])], &step);
        if (!(step is >= 0 and < 1 << 24))
            throw new ModelFormatException($"{path}: the optimizer's step {step} is impossible; use another checkpoint");
        return new OptimizerState((long)step, first, second);
    }

    private static unsafe void Read(SafetensorsFile file, IEnumerable<TensorShape> tensors, float* to)
    {
        foreach (var tensor in tensors)
        {
            if (!file.Entries.TryGetValue(tensor.Name, out var entry) || !entry.Shape.SequenceEqual(tensor.Shape.Select(size => (long)size)))
                throw new ModelFormatException($"{file.Path}: tensor '{tensor.Name}' is missing or of another shape; the file does not belong to this model");
            file.ReadFloats(entry, to);
            to += tensor.ElementCount;
        }
    }

    private static List<TensorShape> Moments(IReadOnlyList<TensorShape> tensors) =>
        [.. tensors.Select(tensor => tensor with { Name = "exp_avg." + tensor.Name }), .. tensors.Select(tensor => tensor with { Name = "exp_avg_sq." + tensor.Name })];
}
