using Distributed.Engine.Model;

namespace Distributed.Benchmarks;

/// <summary>The decoders that are compared with PyTorch: llama's family, half as many key/value heads as heads, tied embedding.</summary>
internal static class ComparisonShape
{
    public static ModelConfig Of(string name) => name switch
    {
        "S" => Shape(128, 4, 4, 352, 512),
        "M" => Shape(256, 6, 8, 704, 4096),
        "L" => Shape(512, 8, 8, 1408, 8192),
        _ => throw new ArgumentException($"There is no shape '{name}'; write S, M or L."),
    };

    private static ModelConfig Shape(int hidden, int layers, int heads, int intermediate, int vocabulary) => new()
    {
        HiddenSize = hidden,
        Layers = layers,
        Heads = heads,
        KeyValueHeads = heads / 2,
        HeadSize = hidden / heads,
        IntermediateSize = intermediate,
        VocabularySize = vocabulary,
        MaxPositions = 4096,
    };
}
