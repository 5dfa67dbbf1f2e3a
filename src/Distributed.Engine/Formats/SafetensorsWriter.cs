using System.Buffers.Binary;
using System.Text.Json;
using Distributed.Engine.Model;

namespace Distributed.Engine.Formats;

/// <summary>Writes safetensors with F32 tensors.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes all weights durably: aside, flushed, then renamed over <paramref name="path"/>.</summary>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public static unsafe void Write(string path, ModelWeights weights)
    {
        var aside = path + ".tmp";
        using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
        {
            var header = Header(weights.Layout);
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
            file.Write(prefix);
            file.Write(header);
            var chunk = new byte[1 << 18];
            for (long at = 0; at < weights.Count; at += chunk.Length / 4)
            {
                var count = (int)Math.Min(chunk.Length / 4, weights.Count - at);
                FlatBytes.Write(weights.Pointer + at, chunk.AsSpan(0, count * 4));
                file.Write(chunk, 0, count * 4);
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }

    private static byte[] Header(ModelLayout layout)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            for (var i = 0; i < layout.Tensors.Count; i++)
            {
                var tensor = layout.Tensors[i];
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(layout.OffsetOf(i) * 4);
                json.WriteNumberValue((layout.OffsetOf(i) + tensor.ElementCount) * 4);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (stream.Length % 8 != 0)
            stream.WriteByte((byte)' ');
        return stream.ToArray();
    }
}
