using Distributed.Engine.Model;

namespace Distributed.Benchmarks;

/// <summary>A model and how much work of each kind a round of <see cref="ModelBenchmark"/> puts to it.</summary>
/// <param name="Config">The model.</param>
/// <param name="Batch">Sequences of a training step, and trajectories scored.</param>
/// <param name="Length">Tokens of each.</param>
/// <param name="Boundaries">Turn boundaries of a trajectory.</param>
/// <param name="Span">Tokens of the answer scored after each.</param>
/// <param name="Sequences">Sequences sampled together.</param>
/// <param name="Prompt">Tokens of their prompts.</param>
/// <param name="New">Tokens sampled of each.</param>
/// <param name="Matrix">Side of the matrices whose product gives the device's peak.</param>
internal sealed record ModelShape(
    ModelConfig Config, int Batch, int Length, int Boundaries, int Span, int Sequences, int Prompt, int New, int Matrix)
{
    /// <summary>By name: <c>qwen2.5-0.5b</c>, or <c>tiny</c> to try the benchmark itself.</summary>
    public static ModelShape Of(string name) => name switch
    {
        "qwen2.5-0.5b" => new ModelShape(Shape(896, 24, 14, 2, 64, 4864, 151_936), 8, 1024, 8, 16, 64, 128, 128, 8192),
        "tiny" => new ModelShape(Shape(128, 4, 4, 2, 32, 352, 2048), 8, 256, 8, 8, 16, 32, 32, 1024),
        _ => throw new ArgumentException($"There is no model '{name}'; write qwen2.5-0.5b or tiny."),
    };

    /// <summary>
    /// Useful floating-point operations of a training step: forward and backward of every matrix, 6 a parameter and token, and of causal attention. What is worked out twice
    /// (the head's logits, attention's scores) counts once.
    /// </summary>
    public double TrainOperations
    {
        get
        {
            var (d, kv, q) = ((double)Config.HiddenSize, (double)Config.KeyValueWidth, (double)Config.Heads * Config.HeadSize);
            var matrices = (Config.Layers * (d * (2 * q + 2 * kv) + 3 * d * Config.IntermediateSize)) + (d * Config.VocabularySize);
            // Two products over half of a square, three times.
            var attention = 6.0 * Config.Layers * q * Length;
            return Batch * Length * ((6 * matrices) + attention);
        }
    }

    private static ModelConfig Shape(int hidden, int layers, int heads, int shared, int size, int intermediate, int vocabulary) => new()
    {
        Family = ModelFamily.Qwen2,
        HiddenSize = hidden,
        Layers = layers,
        Heads = heads,
        KeyValueHeads = shared,
        HeadSize = size,
        IntermediateSize = intermediate,
        VocabularySize = vocabulary,
        MaxPositions = 2048,
        RopeTheta = 1e6,
        TiedHead = true,
    };
}
