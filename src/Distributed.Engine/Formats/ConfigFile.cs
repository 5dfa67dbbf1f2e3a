using System.Text.Json;
using Distributed.Engine.Model;

namespace Distributed.Engine.Formats;

/// <summary>Reads and writes Hugging Face's config.json for the families of <see cref="ModelFamily"/>.</summary>
internal static class ConfigFile
{
    private const long LongestFile = 1 << 20;

    /// <exception cref="ModelFormatException">The file is missing, malformed, or asks for what the engine does not do.</exception>
    public static ModelConfig Load(string path) => Parse(path, JsonFile.Read(path, LongestFile, "a model's config.json"));

    public static ModelConfig Parse(string path, byte[] bytes) => JsonFile.Parse(path, bytes, "the model's config.json", root =>
    {
        var config = Read(new ConfigReader(path, root));
        return config.Complaint() is { } complaint ? throw new ModelFormatException($"{path}: {complaint}.") : config;
    });

    /// <summary>Hugging Face's <c>model_type</c>.</summary>
    public static string TypeOf(ModelFamily family) => family switch
    {
        ModelFamily.Qwen2 => "qwen2",
        ModelFamily.Qwen3 => "qwen3",
        _ => "llama",
    };

    public static void Save(string path, ModelConfig config, WeightType type = WeightType.F32) => JsonFile.Write(path, json => Write(json, config, type));

    private static ModelConfig Read(ConfigReader reader)
    {
        var family = reader.Text("model_type") switch
        {
            "llama" => ModelFamily.Llama,
            "qwen2" => ModelFamily.Qwen2,
            "qwen3" => ModelFamily.Qwen3,
            var other => throw reader.Bad("model_type", $"is '{SafetensorsHeader.Short(other)}'; the managed engine knows llama, qwen2 and qwen3"),
        };
        reader.Require("hidden_act", "silu");
        reader.RequireFalse("attention_bias", "the engine has no bias on the output projection");
        reader.RequireFalse("mlp_bias", "the engine has no biases in the gated unit");
        reader.RequireFalse("use_sliding_window", "the engine attends to the whole context");
        reader.RequireFalse("is_encoder_decoder", "the engine is a decoder");
        reader.RequireAbsent("quantization_config", "quantised weights cannot be read; use the model's BF16 or F32 files");
        reader.RequireFullAttention();
        reader.RequireWholeHeads();

        var heads = reader.Whole("num_attention_heads");
        var hidden = reader.Whole("hidden_size");
        // Hugging Face's own default for this family does not follow from the other sizes.
        var headSize = reader.OptionalWhole("head_dim") ?? (family == ModelFamily.Qwen3 ? 128 : null);
        if (headSize is null && (heads < 1 || hidden % heads != 0))
            throw reader.Bad("hidden_size", $"({hidden}) is not a multiple of num_attention_heads ({heads}); name head_dim");
        return new ModelConfig
        {
            Family = family,
            HiddenSize = hidden,
            Layers = reader.Whole("num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = reader.OptionalWhole("num_key_value_heads") ?? (family == ModelFamily.Llama || reader.Names("num_key_value_heads") ? heads : 32),
            HeadSize = headSize ?? hidden / heads,
            IntermediateSize = reader.Whole("intermediate_size"),
            VocabularySize = reader.Whole("vocab_size"),
            MaxPositions = reader.Whole("max_position_embeddings"),
            NormEpsilon = (float)(reader.OptionalNumber("rms_norm_eps") ?? 1e-6),
            RopeTheta = reader.RopeTheta(),
            RopeScaling = reader.RopeScaling(),
            // Hugging Face's default when the key is absent: true in its base class, false in these families.
            TiedHead = reader.OptionalFlag("tie_word_embeddings") ?? false,
            BeginToken = reader.OptionalWholes("bos_token_id") is [var begin, ..] ? begin : null,
            EndTokens = reader.OptionalWholes("eos_token_id"),
            PaddingToken = reader.OptionalWholes("pad_token_id") is [var padding, ..] ? padding : null,
        };
    }

    private static void Write(Utf8JsonWriter json, ModelConfig config, WeightType type)
    {
        var architecture = config.Family switch
        {
            ModelFamily.Qwen2 => "Qwen2ForCausalLM",
            ModelFamily.Qwen3 => "Qwen3ForCausalLM",
            _ => "LlamaForCausalLM",
        };
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(architecture);
        json.WriteEndArray();
        json.WriteString("model_type", TypeOf(config.Family));
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("num_hidden_layers", config.Layers);
        json.WriteNumber("num_attention_heads", config.Heads);
        json.WriteNumber("num_key_value_heads", config.KeyValueHeads);
        json.WriteNumber("head_dim", config.HeadSize);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        json.WriteNumber("rms_norm_eps", config.NormEpsilon);
        json.WriteNumber("rope_theta", config.RopeTheta);
        if (config.RopeScaling is { } scaling)
        {
            json.WriteStartObject("rope_scaling");
            json.WriteString("rope_type", "llama3");
            json.WriteNumber("factor", scaling.Factor);
            json.WriteNumber("low_freq_factor", scaling.LowFrequencyFactor);
            json.WriteNumber("high_freq_factor", scaling.HighFrequencyFactor);
            json.WriteNumber("original_max_position_embeddings", scaling.OriginalPositions);
            json.WriteEndObject();
        }

        json.WriteBoolean("tie_word_embeddings", config.TiedHead);
        json.WriteString("torch_dtype", type.TorchName());
        if (config.BeginToken is { } begin)
            json.WriteNumber("bos_token_id", begin);
        if (config.EndTokens is [var only])
        {
            json.WriteNumber("eos_token_id", only);
        }
        else if (config.EndTokens.Count > 1)
        {
            json.WriteStartArray("eos_token_id");
            foreach (var end in config.EndTokens)
                json.WriteNumberValue(end);
            json.WriteEndArray();
        }

        if (config.PaddingToken is { } padding)
            json.WriteNumber("pad_token_id", padding);
        json.WriteEndObject();
    }
}
