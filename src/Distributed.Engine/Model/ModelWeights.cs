namespace Distributed.Engine.Model;

/// <summary>A model's parameters: one flat float32 buffer in the order of <see cref="ModelLayout"/>.</summary>
internal sealed unsafe class ModelWeights : FlatParameters
{
    /// <summary>All zeros.</summary>
    /// <param name="config">The model.</param>
    /// <param name="vectorsOnly">Norms and biases alone; the matrices are kept elsewhere.</param>
    public ModelWeights(ModelConfig config, bool vectorsOnly = false)
        : this(config, config.Complaint() is { } complaint ? throw new ArgumentException(complaint, nameof(config)) : new ModelLayout(config, vectorsOnly))
    {
    }

    private ModelWeights(ModelConfig config, ModelLayout layout)
        : base(layout.Tensors) => (Config, Layout) = (config, layout);

    public ModelConfig Config { get; }

    public ModelLayout Layout { get; }

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
}
