using Distributed.Engine.Model;

namespace Distributed.Engine.Tests;

/// <summary>Small random models whose sizes fit no vector width.</summary>
internal static class TinyModels
{
    public static ModelConfig Config(ModelFamily family = ModelFamily.Llama, bool tied = true) => new()
    {
        Family = family, HiddenSize = 20, Layers = 3, Heads = 4, KeyValueHeads = 2, HeadSize = 6, IntermediateSize = 28, VocabularySize = 37,
        MaxPositions = 200, TiedHead = tied, NormEpsilon = 1e-5f,
    };

    /// <summary>Weights large enough that every part matters; norms and biases are noise too.</summary>
    public static ModelWeights Weights(ModelConfig config, ulong seed)
    {
        var weights = ModelWeights.Random(config, seed);
        var random = new GaussianStream(seed + 1);
        foreach (var tensor in weights.Tensors)
        {
            var values = weights.Tensor(tensor.Name);
            for (var i = 0; i < values.Length; i++)
                values[i] = tensor.Shape.Count == 1 ? (tensor.Name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1) + (0.2f * (float)random.Next())
                    : tensor.Name.Contains("embed", StringComparison.Ordinal) ? values[i] * 12 : values[i] * 1.5f;
        }

        return weights;
    }

    public static int[] Tokens(Random random, int length, int vocabulary) => [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))];
}
