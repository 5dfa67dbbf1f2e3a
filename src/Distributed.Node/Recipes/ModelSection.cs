namespace Distributed.Node.Recipes;

/// <summary>The policy that is trained: a folder in Hugging Face form, or a shape to start from random weights.</summary>
[Shorthand("path")]
public sealed record ModelSection : IOptionSection
{
    /// <summary>Folder with config.json, model.safetensors and tokenizer.json to start from.</summary>
    [Path]
    public string? Path { get; init; }

    /// <summary>A model with random weights instead.</summary>
    public ShapeSection? Shape { get; init; }
}

/// <summary>A Llama-style decoder, in the words of config.json. The vocabulary is the environment's tokenizer's.</summary>
public sealed record ShapeSection : IOptionSection
{
    /// <summary>Width of the residual stream.</summary>
    [Range(8, 65_536)]
    public int HiddenSize { get; init; } = 128;

    /// <summary>Decoder layers.</summary>
    [Range(1, 512)]
    public int NumHiddenLayers { get; init; } = 4;

    /// <summary>Query heads; they divide the width.</summary>
    [Range(1, 1024)]
    public int NumAttentionHeads { get; init; } = 4;

    /// <summary>Key and value heads; they divide the query heads.</summary>
    [Range(1, 1024)]
    public int NumKeyValueHeads { get; init; } = 2;

    /// <summary>Width of the feed-forward layer.</summary>
    [Range(8, 1_048_576)]
    public int IntermediateSize { get; init; } = 352;

    /// <summary>Longest sequence in tokens.</summary>
    [Range(16, 1_048_576)]
    public int MaxPositionEmbeddings { get; init; } = 256;

    /// <summary>Base of the rotary position angles.</summary>
    [Range(1, AboveMin = true)]
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>One matrix serves as embedding and output head.</summary>
    public bool TieWordEmbeddings { get; init; } = true;
}
