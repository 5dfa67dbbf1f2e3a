using Distributed.Ports;

namespace Distributed.Engine.Model;

/// <summary>
/// Where each tensor lies in the flat weight buffer: Hugging Face's names in the order of its modules (embedding; per layer q, k, v, o,
/// query and key norms, gate, up, down, the two norms; the final norm; the head unless tied), back to back.
/// </summary>
internal sealed class ModelLayout
{
    public const long MostParameters = 1L << 33;
    private readonly Dictionary<string, int> _indices = [];
    private readonly List<TensorShape> _tensors = [];
    private readonly List<long> _offsets = [];
    private readonly bool _vectorsOnly;

    /// <param name="config">The model.</param>
    /// <param name="vectorsOnly">Leave no room for matrices, which are kept elsewhere: their offsets are -1.</param>
    public ModelLayout(ModelConfig config, bool vectorsOnly = false)
    {
        _vectorsOnly = vectorsOnly;
        Embedding = Add("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize);
        Layers = new LayerLayout[config.Layers];
        for (var layer = 0; layer < config.Layers; layer++)
            Layers[layer] = AddLayer(config, $"model.layers.{layer}.");
        FinalNorm = Add("model.norm.weight", config.HiddenSize);
        Head = config.TiedHead ? Embedding : Add("lm_head.weight", config.VocabularySize, config.HiddenSize);
    }

    /// <summary>Names and shapes in the order of the buffer.</summary>
    public IReadOnlyList<TensorShape> Tensors => _tensors;

    /// <summary>Floats in all.</summary>
    public long ParameterCount { get; private set; }

    public long Embedding { get; }

    public LayerLayout[] Layers { get; }

    public long FinalNorm { get; }

    /// <summary>The same as <see cref="Embedding"/> if tied.</summary>
    public long Head { get; }

    /// <summary>First float of a tensor.</summary>
    public long OffsetOf(int tensor) => _offsets[tensor];

    /// <summary>Index of a tensor in <see cref="Tensors"/>, or -1.</summary>
    public int IndexOf(string name) => _indices.GetValueOrDefault(name, -1);

    /// <summary>Parameters of a configuration, without building the layout.</summary>
    public static long CountOf(ModelConfig config)
    {
        Int128 hidden = config.HiddenSize, queries = (Int128)config.Heads * config.HeadSize, keys = (Int128)config.KeyValueHeads * config.HeadSize;
        var layer = (2 * hidden * queries) + (2 * hidden * keys) + (3 * hidden * config.IntermediateSize) + (2 * hidden)
            + (config.HasBias ? queries + (2 * keys) : 0) + (config.HasQueryKeyNorm ? 2 * config.HeadSize : 0);
        var all = (layer * config.Layers) + (hidden * config.VocabularySize * (config.TiedHead ? 1 : 2)) + hidden;
        return all > long.MaxValue ? long.MaxValue : (long)all;
    }

    private LayerLayout AddLayer(ModelConfig config, string prefix)
    {
        int hidden = config.HiddenSize, queries = config.QueryWidth, keys = config.KeyValueWidth;
        var query = Add(prefix + "self_attn.q_proj.weight", queries, hidden);
        var queryBias = config.HasBias ? Add(prefix + "self_attn.q_proj.bias", queries) : -1;
        var key = Add(prefix + "self_attn.k_proj.weight", keys, hidden);
        var keyBias = config.HasBias ? Add(prefix + "self_attn.k_proj.bias", keys) : -1;
        var value = Add(prefix + "self_attn.v_proj.weight", keys, hidden);
        var valueBias = config.HasBias ? Add(prefix + "self_attn.v_proj.bias", keys) : -1;
        var output = Add(prefix + "self_attn.o_proj.weight", hidden, queries);
        var queryNorm = config.HasQueryKeyNorm ? Add(prefix + "self_attn.q_norm.weight", config.HeadSize) : -1;
        var keyNorm = config.HasQueryKeyNorm ? Add(prefix + "self_attn.k_norm.weight", config.HeadSize) : -1;
        var gate = Add(prefix + "mlp.gate_proj.weight", config.IntermediateSize, hidden);
        var up = Add(prefix + "mlp.up_proj.weight", config.IntermediateSize, hidden);
        var down = Add(prefix + "mlp.down_proj.weight", hidden, config.IntermediateSize);
        var inputNorm = Add(prefix + "input_layernorm.weight", hidden);
        var postNorm = Add(prefix + "post_attention_layernorm.weight", hidden);
        return new LayerLayout(
            query, queryBias, key, keyBias, value, valueBias, output, queryNorm, keyNorm, gate, up, down, inputNorm, postNorm);
    }

    private long Add(string name, params int[] shape)
    {
        if (_vectorsOnly && shape.Length > 1)
            return -1;
        var tensor = new TensorShape(name, shape);
        var offset = ParameterCount;
        _indices.Add(name, _tensors.Count);
        _tensors.Add(tensor);
        _offsets.Add(offset);
        ParameterCount += tensor.ElementCount;
        return offset;
    }
}

/// <summary>Offsets of one layer's tensors, in floats; -1 where the family has none.</summary>
internal sealed record LayerLayout(
    long Query, long QueryBias, long Key, long KeyBias, long Value, long ValueBias, long Output, long QueryNorm, long KeyNorm,
    long Gate, long Up, long Down, long InputNorm, long PostNorm);
