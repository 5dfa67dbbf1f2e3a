namespace Distributed.Engine.Formats;

/// <summary>How a model folder is rewritten.</summary>
public sealed record ConversionOptions
{
    /// <summary>Type of all weights; null keeps each file's own if they agree, else float32.</summary>
    public WeightType? Type { get; init; }

    /// <summary>Most bytes of tensors in one file; 0 writes one file. A tensor is never cut, so a larger one has a file of its own.</summary>
    public long MostShardBytes { get; init; }

    /// <summary>Folder of a low-rank adapter to merge into the weights, or null.</summary>
    public string? Adapter { get; init; }
}

/// <summary>What a conversion wrote.</summary>
/// <param name="Type">Type of the weights.</param>
/// <param name="Files">Names of the weight files.</param>
/// <param name="Bytes">Bytes of all tensors.</param>
/// <param name="MergedMatrices">Matrices an adapter was merged into.</param>
public sealed record ConversionResult(WeightType Type, IReadOnlyList<string> Files, long Bytes, int MergedMatrices);
