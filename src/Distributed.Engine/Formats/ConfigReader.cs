using System.Text.Json;
using Distributed.Engine.Model;

namespace Distributed.Engine.Formats;

/// <summary>Typed access to the members of a config.json, with messages that name the file and the key.</summary>
internal sealed class ConfigReader(string path, JsonElement root)
{
    // More modules than that no model names one by one.
    private const int MostNames = 4096;

    public ModelFormatException Bad(string key, string complaint) => new($"{path}: {key} {complaint}.");

    public string Text(string key) => Find(key) switch
    {
        { ValueKind: JsonValueKind.String } value => value.GetString()!,
        null => throw Bad(key, "is missing"),
        _ => throw Bad(key, "must be a string"),
    };

    public string? OptionalText(string key) => Find(key) is null ? null : Text(key);

    /// <summary>A list of strings that is not empty.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (Find(key) is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() is 0 or > MostNames)
            throw Bad(key, "must be a list of names");
        return [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Bad(key, "must be a list of names"))];
    }

    /// <summary>Numbers by name; empty if absent.</summary>
    public IReadOnlyDictionary<string, double> NumbersByName(string key)
    {
        var numbers = new Dictionary<string, double>();
        if (Find(key) is not { } value)
            return numbers;
        if (value.ValueKind != JsonValueKind.Object)
            throw Bad(key, "must be an object");
        foreach (var member in value.EnumerateObject())
        {
            if (numbers.Count == MostNames)
                throw Bad(key, $"has more than {MostNames} members");
            numbers[member.Name] = Number($"{key}.{SafetensorsHeader.Short(member.Name)}", member.Value);
        }

        return numbers;
    }

    /// <summary>Absent, null, or an empty list or object.</summary>
    public void RequireEmpty(string key, string why)
    {
        if (Find(key) is { } value && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
            && !(value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any()))
            throw Bad(key, $"is set; {why}");
    }

    public int Whole(string key) => OptionalWhole(key) ?? throw Bad(key, "is missing");

    public int? OptionalWhole(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var whole) => whole,
        _ => throw Bad(key, "must be a whole number"),
    };

    public double? OptionalNumber(string key) => Find(key) is { } value ? Number(key, value) : null;

    public bool? OptionalFlag(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Bad(key, "must be true or false"),
    };

    /// <summary>A whole number or a list of them; empty if absent.</summary>
    public IReadOnlyList<int> OptionalWholes(string key)
    {
        if (Find(key) is not { } value)
            return [];
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var one))
            return [one];
        if (value.ValueKind != JsonValueKind.Array)
            throw Bad(key, "must be a token id or a list of them");
        return [.. value.EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) ? id : throw Bad(key, "must be a token id or a list of them"))];
    }

    public void Require(string key, string wanted)
    {
        if (Find(key) is { } value && !(value.ValueKind == JsonValueKind.String && value.ValueEquals(wanted)))
            throw Bad(key, $"must be '{wanted}'; the managed engine does nothing else");
    }

    public void RequireFalse(string key, string why)
    {
        if (OptionalFlag(key) == true)
            throw Bad(key, $"is true; {why}");
    }

    /// <summary>Whether the key is there, even if it is null.</summary>
    public bool Names(string key) => root.TryGetProperty(key, out _);

    public void RequireAbsent(string key, string why)
    {
        if (Find(key) is not null)
            throw Bad(key, $"is set; {why}");
    }

    /// <summary>Newer files list each layer's kind of attention.</summary>
    public void RequireFullAttention()
    {
        if (Find("layer_types") is not { } types)
            return;
        if (types.ValueKind != JsonValueKind.Array)
            throw Bad("layer_types", "must be a list");
        var layer = 0;
        foreach (var type in types.EnumerateArray())
        {
            if (type.ValueKind != JsonValueKind.String || !type.ValueEquals("full_attention"))
                throw Bad($"layer_types[{layer}]", $"is {SafetensorsHeader.Short(type.ToString())}; the engine attends to the whole context (full_attention)");
            layer++;
        }
    }

    public void RequireWholeHeads()
    {
        var part = OptionalNumber("partial_rotary_factor")
            ?? (Rope("rope_parameters") is { } rope && rope.TryGetProperty("partial_rotary_factor", out var inner) ? Number("rope_parameters.partial_rotary_factor", inner) : 1);
        if (part != 1)
            throw Bad("partial_rotary_factor", "must be 1; the engine turns whole heads");
    }

    /// <summary>The base of the rotary frequencies; newer files keep it in rope_parameters.</summary>
    public double RopeTheta() =>
        Rope("rope_parameters") is { } rope && rope.TryGetProperty("rope_theta", out var theta) ? Number("rope_theta", theta)
        : OptionalNumber("rope_theta") ?? 10000;

    public Llama3RopeScaling? RopeScaling()
    {
        if ((Rope("rope_scaling") ?? Rope("rope_parameters")) is not { } rope)
            return null;
        var type = (rope.TryGetProperty("rope_type", out var named) || rope.TryGetProperty("type", out named)) && named.ValueKind == JsonValueKind.String
            ? named.GetString()
            : throw Bad("rope_scaling", "lacks a rope_type");
        if (type == "default")
            return null;
        if (type != "llama3")
            throw Bad("rope_scaling", $"has rope_type '{SafetensorsHeader.Short(type!)}'; the managed engine knows default and llama3");
        var original = Part("original_max_position_embeddings");
        if (original is not (>= 1 and <= int.MaxValue))
            throw Bad("original_max_position_embeddings", "must be a positive whole number");
        return new Llama3RopeScaling(Part("factor"), Part("low_freq_factor"), Part("high_freq_factor"), (int)original);

        double Part(string key) => rope.TryGetProperty(key, out var value) ? Number(key, value) : throw Bad("rope_scaling", $"lacks {key}");
    }

    private JsonElement? Rope(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => value,
        _ => throw Bad(key, "must be an object or null"),
    };

    private double Number(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw Bad(key, "must be a number");

    private JsonElement? Find(string key) => root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
