using Distributed.Engine.Kernels;
using Distributed.Ports;

namespace Distributed.Engine.Model;

/// <summary>A model's parameters: one flat float32 buffer in the order of <see cref="ModelLayout"/>, which is the wire layout too.</summary>
internal sealed unsafe class ModelWeights : IDisposable
{
    private readonly FloatBuffer _buffer;

    /// <summary>All zeros.</summary>
    public ModelWeights(ModelConfig config)
    {
        if (config.Complaint() is { } complaint)
            throw new ArgumentException(complaint, nameof(config));
        Config = config;
        Layout = new ModelLayout(config);
        _buffer = new FloatBuffer(Layout.ParameterCount);
    }

    public ModelConfig Config { get; }

    public ModelLayout Layout { get; }

    /// <summary>The first parameter.</summary>
    public float* Pointer => _buffer.Pointer;

    /// <summary>Parameters in all.</summary>
    public long Count => _buffer.Length;

    public IReadOnlyList<TensorShape> Tensors => Layout.Tensors;

    /// <summary>Bytes of the flat layout.</summary>
    public long ByteCount => Count * sizeof(float);

    /// <summary>A tensor by its Hugging Face name, row-major.</summary>
    /// <exception cref="KeyNotFoundException">The model has no such tensor.</exception>
    public Span<float> Tensor(string name)
    {
        var index = Layout.IndexOf(name);
        if (index < 0)
            throw new KeyNotFoundException($"The model has no tensor '{name}'.");
        return new Span<float>(Pointer + Layout.OffsetOf(index), checked((int)Layout.Tensors[index].ElementCount));
    }

    /// <summary>Random weights to train from scratch: embedding 0.05, matrices 1/sqrt(inputs), output and down projections 0.35 of that, norms 1, biases 0.</summary>
    public static ModelWeights Random(ModelConfig config, ulong seed)
    {
        var weights = new ModelWeights(config);
        var random = new GaussianStream(seed);
        foreach (var tensor in weights.Tensors)
        {
            var scale = tensor.Shape.Count == 1 ? 0
                : tensor.Name == "model.embed_tokens.weight" ? 0.05
                : tensor.Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || tensor.Name.EndsWith("down_proj.weight", StringComparison.Ordinal)
                    ? 0.35 / Math.Sqrt(tensor.Shape[1])
                : 1 / Math.Sqrt(tensor.Shape[1]);
            var values = weights.Tensor(tensor.Name);
            if (scale == 0)
                values.Fill(tensor.Name.EndsWith("bias", StringComparison.Ordinal) ? 0f : 1f);
            else
                foreach (ref var value in values)
                    value = (float)(scale * random.Next());
        }

        return weights;
    }

    /// <summary>Copies the weights to little-endian bytes.</summary>
    public void CopyTo(Span<byte> bytes)
    {
        if (bytes.Length != ByteCount)
            throw new ArgumentException($"The weights take {ByteCount} bytes, not {bytes.Length}.", nameof(bytes));
        FlatBytes.Write(Pointer, bytes);
    }

    /// <summary>Overwrites the weights from little-endian bytes.</summary>
    /// <exception cref="ArgumentException">Wrong length, or a value that is not finite; nothing is changed then.</exception>
    public void CopyFrom(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != ByteCount)
            throw new ArgumentException($"These weights are {bytes.Length} bytes; this model's are {ByteCount}. They belong to another model.", nameof(bytes));
        if (FlatBytes.FirstNotFinite(bytes) is var bad and >= 0)
            throw new ArgumentException($"These weights have a value that is not finite (number {bad} of {Count}).", nameof(bytes));
        FlatBytes.Read(bytes, Pointer);
    }

    public void Dispose() => _buffer.Dispose();
}
