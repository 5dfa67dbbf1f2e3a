using System.Text.Json;

namespace Distributed.Engine.Formats;

/// <summary>Small JSON files of a model folder, read whole and with a bound.</summary>
internal static class JsonFile
{
    /// <summary>The bytes of a file that is not longer than <paramref name="longest"/>.</summary>
    /// <exception cref="ModelFormatException">It is missing, unreadable or too long.</exception>
    public static byte[] Read(string path, long longest, string need)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (file.Length > longest)
                throw new ModelFormatException($"{path}: is longer than {longest} bytes; this is not {need}.");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException($"{path}: cannot be read ({e.Message}); {need} is needed.", e);
        }
    }

    /// <summary>Reads something out of a JSON object.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="bytes">UTF-8, with or without a byte order mark.</param>
    /// <param name="what">What the file is, for messages.</param>
    /// <param name="read">Takes it out.</param>
    /// <exception cref="ModelFormatException">Not JSON, or not an object.</exception>
    public static T Parse<T>(string path, byte[] bytes, string what, Func<JsonElement, T> read)
    {
        try
        {
            var text = bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0);
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 32 });
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? read(json.RootElement)
                : throw new ModelFormatException($"{path}: is not a JSON object; fetch {what} again.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with broken UTF-16 escapes.
            throw new ModelFormatException($"{path}: is not valid JSON ({SafetensorsHeader.Short(e.Message)}); fetch {what} again.", e);
        }
    }

    /// <summary>Writes a file durably: aside, flushed, then renamed over <paramref name="path"/>.</summary>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public static void Write(string path, Action<Utf8JsonWriter> write)
    {
        var aside = path + ".tmp";
        using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            using (var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true }))
                write(json);
            file.WriteByte((byte)'\n');
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }
}
