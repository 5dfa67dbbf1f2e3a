using System.Text.Json;
using Distributed.Engine.Formats;

namespace Distributed.Engine.Adapters;

/// <summary>Reads and writes PEFT's adapter_config.json for plain low-rank adapters. What would change the result and is not done is refused; what only matters to other libraries is ignored.</summary>
internal static class AdapterConfigFile
{
    private const long LongestFile = 1 << 20;
    private const string What = "an adapter's adapter_config.json";

    /// <exception cref="ModelFormatException">The file is missing, malformed, or asks for what the engine does not do.</exception>
    public static LoraOptions Load(string path) => Parse(path, JsonFile.Read(path, LongestFile, What));

    public static LoraOptions Parse(string path, byte[] bytes) => JsonFile.Parse(path, bytes, What, root =>
    {
        var reader = new ConfigReader(path, root);
        if (reader.Text("peft_type") is var type && type != "LORA")
            throw reader.Bad("peft_type", $"is '{SafetensorsHeader.Short(type)}'; the engine knows LORA");
        if ((reader.OptionalText("bias") ?? "none") != "none")
            throw reader.Bad("bias", "must be 'none'; the engine trains no biases beside an adapter");
        reader.RequireFalse("use_dora", "the engine has no magnitude vectors (DoRA)");
        reader.RequireFalse("lora_bias", "the engine has no biases in adapters");
        reader.RequireFalse("fan_in_fan_out", "the engine's layers are torch Linear ones");
        foreach (var key in (string[])["modules_to_save", "exclude_modules", "layer_replication", "trainable_token_indices", "alora_invocation_tokens", "target_parameters"])
            reader.RequireEmpty(key, "the engine adapts projections and nothing else");
        RequirePlainStart(reader, root);
        return new LoraOptions
        {
            Rank = reader.OptionalWhole("r") ?? 8,
            Alpha = reader.OptionalNumber("lora_alpha") ?? 8,
            RankStabilized = reader.OptionalFlag("use_rslora") ?? false,
            TargetModules = reader.Texts("target_modules"),
            Layers = reader.OptionalWholes("layers_to_transform") is { Count: > 0 } layers ? layers : null,
            RankPattern = reader.NumbersByName("rank_pattern").ToDictionary(pair => pair.Key, pair => pair.Value is >= 1 and <= 1024 && pair.Value % 1 == 0
                ? (int)pair.Value : throw reader.Bad($"rank_pattern.{SafetensorsHeader.Short(pair.Key)}", "must be a whole number from 1 to 1024")),
            AlphaPattern = reader.NumbersByName("alpha_pattern"),
        };
    });

    public static void Save(string path, LoraOptions options, string? baseModel) => JsonFile.Write(path, json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("alpha_pattern");
        foreach (var (name, alpha) in options.AlphaPattern)
            json.WriteNumber(name, alpha);
        json.WriteEndObject();
        json.WriteNull("auto_mapping");
        json.WriteString("base_model_name_or_path", baseModel);
        json.WriteString("bias", "none");
        json.WriteBoolean("fan_in_fan_out", false);
        json.WriteBoolean("inference_mode", true);
        json.WriteBoolean("init_lora_weights", true);
        json.WriteNull("layers_pattern");
        if (options.Layers is { } layers)
        {
            json.WriteStartArray("layers_to_transform");
            foreach (var layer in layers)
                json.WriteNumberValue(layer);
            json.WriteEndArray();
        }
        else
        {
            json.WriteNull("layers_to_transform");
        }

        json.WriteNumber("lora_alpha", options.Alpha);
        json.WriteNumber("lora_dropout", 0);
        json.WriteNull("modules_to_save");
        json.WriteString("peft_type", "LORA");
        json.WriteNumber("r", options.Rank);
        json.WriteStartObject("rank_pattern");
        foreach (var (name, rank) in options.RankPattern)
            json.WriteNumber(name, rank);
        json.WriteEndObject();
        json.WriteNull("revision");
        json.WriteStartArray("target_modules");
        foreach (var target in options.TargetModules)
            json.WriteStringValue(target);
        json.WriteEndArray();
        json.WriteString("task_type", "CAUSAL_LM");
        json.WriteBoolean("use_dora", false);
        json.WriteBoolean("use_rslora", options.RankStabilized);
        json.WriteEndObject();
    });

    // Some ways to begin change the frozen weights too, which the file of the adapter does not hold.
    private static void RequirePlainStart(ConfigReader reader, JsonElement root)
    {
        if (!root.TryGetProperty("init_lora_weights", out var start) || start.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null)
            return;
        if (start.ValueKind != JsonValueKind.String || start.GetString() is not ("gaussian" or "orthogonal" or "eva"))
            throw reader.Bad("init_lora_weights", $"is {SafetensorsHeader.Short(start.ToString())}, which may have changed the base model too; convert the adapter to a plain one (true)");
    }
}
