using Distributed.Ports;

namespace Distributed.Engine.Model;

/// <summary>The decoder families that can be loaded; the names are Hugging Face's <c>model_type</c>.</summary>
public enum ModelFamily
{
    /// <summary>No biases, no query/key norms.</summary>
    Llama,

    /// <summary>Biases on the query, key and value projections.</summary>
    Qwen2,

    /// <summary>RMS norm over the head on queries and keys before the rotary embedding.</summary>
    Qwen3,
}

/// <summary>Llama 3's stretching of rotary frequencies (<c>rope_type: llama3</c>); fields as in config.json.</summary>
/// <param name="Factor">Low frequencies are divided by this.</param>
/// <param name="LowFrequencyFactor">Wavelengths above original / this are stretched in full.</param>
/// <param name="HighFrequencyFactor">Wavelengths below original / this are left alone; between them it is interpolated.</param>
/// <param name="OriginalPositions">Context length the model was first trained with.</param>
public sealed record Llama3RopeScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalPositions);

/// <summary>Shape of a decoder. Sizes are counts; see <see cref="ModelLayout"/> for the tensors that follow from it.</summary>
public sealed record ModelConfig
{
    /// <summary>Which family.</summary>
    public ModelFamily Family { get; init; } = ModelFamily.Llama;

    /// <summary>Width of the residual stream, d.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Decoder layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key/value heads; divides <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one head; even.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Width of the gated unit.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Token ids, V.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Longest sequence.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Added to the mean square in norms.</summary>
    public float NormEpsilon { get; init; } = 1e-6f;

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Stretched rotary frequencies, or null.</summary>
    public Llama3RopeScaling? RopeScaling { get; init; }

    /// <summary>Whether the embedding is the head too.</summary>
    public bool TiedHead { get; init; } = true;

    /// <summary>Begin-of-sequence id, if the file names one.</summary>
    public int? BeginToken { get; init; }

    /// <summary>End-of-sequence ids the file names; may be empty.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Padding id, if the file names one.</summary>
    public int? PaddingToken { get; init; }

    /// <summary>Biases on query, key and value projections.</summary>
    public bool HasBias => Family == ModelFamily.Qwen2;

    /// <summary>Norms on queries and keys.</summary>
    public bool HasQueryKeyNorm => Family == ModelFamily.Qwen3;

    /// <summary>Floats of all query heads of one token.</summary>
    public int QueryWidth => Heads * HeadSize;

    /// <summary>Floats of all key heads (or all value heads) of one token.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>Query heads that share one key/value head.</summary>
    public int HeadsPerKeyValue => Heads / KeyValueHeads;

    /// <summary>Whether weights of the other fit this one: the same tensors of the same shapes.</summary>
    public bool ShapeEquals(ModelConfig other) => new ModelLayout(this).Tensors.Select(Describe).SequenceEqual(new ModelLayout(other).Tensors.Select(Describe));

    private static string Describe(Ports.TensorShape tensor) => $"{tensor.Name} {string.Join('x', tensor.Shape)}";

    /// <summary>What is wrong with the sizes, or null.</summary>
    internal string? Complaint()
    {
        foreach (var (name, value) in new[]
        {
            ("hidden_size", HiddenSize), ("num_hidden_layers", Layers), ("num_attention_heads", Heads), ("num_key_value_heads", KeyValueHeads),
            ("head_dim", HeadSize), ("intermediate_size", IntermediateSize), ("vocab_size", VocabularySize), ("max_position_embeddings", MaxPositions),
        })
            if (value is < 1 or > 1 << 24)
                return $"{name} is {value}; it must lie between 1 and {1 << 24}";
        if (Layers > 1024)
            return $"num_hidden_layers is {Layers}; more than 1024 is not believable";
        if (Heads % KeyValueHeads != 0)
            return $"num_attention_heads ({Heads}) must be a multiple of num_key_value_heads ({KeyValueHeads})";
        if (HeadSize % 2 != 0)
            return $"head_dim ({HeadSize}) must be even for the rotary embedding";
        if (!(NormEpsilon is > 0 and < 1))
            return "rms_norm_eps must lie between 0 and 1";
        if (!(RopeTheta is > 1 and < 1e12))
            return "rope_theta must lie between 1 and 1e12";
        if (RopeScaling is { } scaling)
        {
            if (!(scaling.Factor is >= 1 and < 1e6) || !(scaling.LowFrequencyFactor > 0) || !(scaling.HighFrequencyFactor > scaling.LowFrequencyFactor)
                || !double.IsFinite(scaling.HighFrequencyFactor) || scaling.OriginalPositions < 1)
                return "rope_scaling must have factor >= 1, 0 < low_freq_factor < high_freq_factor and a positive original_max_position_embeddings";
        }

        return ModelLayout.CountOf(this) is > 0 and <= ModelLayout.MostParameters
            ? null
            : $"the model would have more than {ModelLayout.MostParameters} parameters; the managed engine does not hold that";
    }

    /// <summary>Limits as the port states them.</summary>
    internal EngineLimits Limits(int contextLength) => new(VocabularySize, contextLength, ModelLayout.CountOf(this));
}
