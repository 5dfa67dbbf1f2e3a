using System.Globalization;
using System.Text.Json;

namespace Distributed.Node.CreditFiles;

/// <summary>A value of a JSON file with its place, so that whatever is wrong with it is said by file and path.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Path">JSON path, such as <c>$.groups[0].rollouts[2].outcome</c>.</param>
/// <param name="Value">The value; undefined where there is none.</param>
internal readonly record struct JsonField(string File, string Path, JsonElement Value)
{
    /// <summary>There is a value, and it is not null.</summary>
    public bool IsThere => Value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>A property; its value is undefined if the object has none of that name.</summary>
    public JsonField this[string name] => new(File, $"{Path}.{name}", Value.TryGetProperty(name, out var value) ? value : default);

    /// <summary>Refuses anything but an object with these keys.</summary>
    public JsonField Object(params IReadOnlyList<string> keys)
    {
        if (Value.ValueKind != JsonValueKind.Object) throw Refuse("an object");
        foreach (var property in Value.EnumerateObject())
        {
            if (!keys.Contains(property.Name)) throw new RefusedException($"{File}: {Path}.{property.Name}: is not known; known here: {string.Join(", ", keys)}");
        }

        return this;
    }

    /// <summary>The items of an array.</summary>
    public IReadOnlyList<JsonField> Items(string what)
    {
        if (Value.ValueKind != JsonValueKind.Array) throw Refuse(what);
        var (file, path) = (File, Path);
        return [.. Value.EnumerateArray().Select((item, index) => new JsonField(file, string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]"), item))];
    }

    /// <summary>A finite number.</summary>
    public double Number(string what) =>
        Value.ValueKind == JsonValueKind.Number && Value.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw Refuse(what);

    /// <summary>A whole number.</summary>
    public int Whole(string what) => Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out var number) ? number : throw Refuse(what);

    /// <summary>A text.</summary>
    public string Text(string what) => Value.ValueKind == JsonValueKind.String ? Value.GetString()! : throw Refuse(what);

    /// <summary>A text, or null if there is none.</summary>
    public string? TextOrNull(string what) => IsThere ? Text(what) : null;

    /// <summary>True or false; false if there is none.</summary>
    public bool Flag() => IsThere && (Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? Value.GetBoolean() : throw Refuse("true or false"));

    /// <summary>Says what should be here.</summary>
    public RefusedException Refuse(string what) => new(
        $"{File}: {Path}: is {(Value.ValueKind == JsonValueKind.Undefined ? "missing" : Shown)}; give {what}");

    private string Shown => Value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ => Value.GetRawText() is { Length: > 40 } raw ? raw[..40] + ".." : Value.GetRawText(),
    };
}
