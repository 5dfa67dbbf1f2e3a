using System.Globalization;
using System.Text.Json;

namespace Distributed.Engine.Tokenizers;

/// <summary>A JSON value together with the file and the place it stands at, so that every complaint can name them.</summary>
internal readonly record struct JsonPlace(string File, string Place, JsonElement Value)
{
    /// <summary>True if the value is absent or null.</summary>
    public bool IsNull => Value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>A member, or an absent value. Complains if this is not an object.</summary>
    public JsonPlace this[string name] =>
        new(File, Place.Length == 0 ? name : $"{Place}.{name}", Object().TryGetProperty(name, out var member) ? member : default);

    /// <summary>The exception for this place. What a file holds may be long and of many lines; the message is neither.</summary>
    public TokenizerFileException Refuse(string complaint) =>
        new($"{File}: {(Place.Length == 0 ? "top level" : OneLine(Place))}: {OneLine(complaint)}");

    public JsonElement Object() => Value.ValueKind == JsonValueKind.Object ? Value : throw Wrong("an object");

    public string Text() => Value.ValueKind == JsonValueKind.String ? ReadText() : throw Wrong("a string");

    public bool Flag() => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false"),
    };

    /// <summary>A flag that may be left out.</summary>
    public bool Flag(bool otherwise) => IsNull ? otherwise : Flag();

    /// <summary>A token id: an integer from 0 to <see cref="HighestId"/>.</summary>
    public int Id() =>
        Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out var id) && id is >= 0 and <= HighestId
            ? id
            : throw Wrong(string.Create(CultureInfo.InvariantCulture, $"a token id from 0 to {HighestId}"));

    /// <summary>The items of an array, each with its index as place.</summary>
    public IEnumerable<JsonPlace> Items()
    {
        if (Value.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("a list");
        }

        return Enumerate(this);

        static IEnumerable<JsonPlace> Enumerate(JsonPlace list)
        {
            var index = 0;
            foreach (var item in list.Value.EnumerateArray())
            {
                yield return new JsonPlace(list.File, string.Create(CultureInfo.InvariantCulture, $"{list.Place}[{index++}]"), item);
            }
        }
    }

    /// <summary>Highest id accepted. It bounds what a broken file can make us allocate.</summary>
    public const int HighestId = (1 << 22) - 1;

    private static string OneLine(string text)
    {
        text = text.ReplaceLineEndings(" ");
        return text.Length <= LongestComplaint ? text : text[..LongestComplaint] + "...";
    }

    private const int LongestComplaint = 400;

    private TokenizerFileException Wrong(string expected) => Refuse(
        Value.ValueKind == JsonValueKind.Undefined ? $"missing; expected {expected}" : $"expected {expected}, found {Excerpt()}");

    private string ReadText()
    {
        try
        {
            return Value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // JSON may spell half a surrogate pair, which no text can hold.
            throw Refuse("expected a string, found an escape that is not a character");
        }
    }

    private string Excerpt()
    {
        var raw = Value.ValueKind is JsonValueKind.Object ? "an object" : Value.ValueKind is JsonValueKind.Array ? "a list" : Value.GetRawText();
        raw = raw.ReplaceLineEndings(" ");
        return raw.Length <= 40 ? raw : raw[..40] + "...";
    }
}
