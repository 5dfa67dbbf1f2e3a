using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Distributed.Engine.Templates;

/// <summary>Makes a template's values of JSON, as Python's json.loads does: whole numbers of any size stay whole, 1.0 stays a float.</summary>
internal sealed class JsonValueReader(string name)
{
    private const int LongestNumber = 4_300;
    private const int Deepest = 60;

    private int _depth;

    /// <summary>Characters of strings, plus one per value.</summary>
    public long Characters { get; private set; }

    public object? Read(JsonElement value)
    {
        Characters++;
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                return null;
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            case JsonValueKind.Number:
                return Number(value.GetRawText());
            case JsonValueKind.String:
                return Text(value.GetString);
            case JsonValueKind.Array:
                Deepen();
                object?[] list = [.. value.EnumerateArray().Select(Read)];
                _depth--;
                return list;
            default:
                Deepen();
                var map = new TemplateMap();
                foreach (var member in value.EnumerateObject())
                    map.Set(Text(() => member.Name), Read(member.Value));
                _depth--;
                return map;
        }
    }

    private void Deepen()
    {
        if (++_depth > Deepest)
            throw Fail($"more than {Deepest} lists and objects inside each other");
    }

    private object Number(string raw)
    {
        if (raw.Length > LongestNumber)
            throw Fail($"a number of more than {LongestNumber} characters");
        return raw.AsSpan().ContainsAny('.', 'e', 'E')
            ? double.Parse(raw, NumberStyles.Float, CultureInfo.InvariantCulture)
            : BigInteger.Parse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }

    private string Text(Func<string?> read)
    {
        try
        {
            var text = read()!;
            Characters += text.Length;
            return text;
        }
        catch (InvalidOperationException)
        {
            throw Fail("a string with an escape that is not a character");
        }
    }

    private TemplateException Fail(string complaint) => new(name, new TemplatePlace(1, 1), $"the variables hold {complaint}");
}
