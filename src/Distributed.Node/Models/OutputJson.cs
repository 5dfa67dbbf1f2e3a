using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Distributed.Node.Models;

/// <summary>What the model commands print.</summary>
internal static class OutputJson
{
    /// <summary>Prints one JSON value and a line break.</summary>
    /// <param name="write">Writes the value.</param>
    /// <param name="indented">Over several lines.</param>
    public static void Print(Action<Utf8JsonWriter> write, bool indented = false)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = indented, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            write(json);
        Console.Out.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }

    public static void WriteIds(this Utf8JsonWriter json, string name, ReadOnlySpan<int> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    public static void WriteFloats(this Utf8JsonWriter json, string name, ReadOnlySpan<float> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            // JSON has no infinity; a token of probability zero is null.
            if (float.IsFinite(value))
                json.WriteNumberValue(value);
            else
                json.WriteNullValue();
        }

        json.WriteEndArray();
    }
}
