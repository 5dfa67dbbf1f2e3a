using System.Buffers.Binary;
using System.Text.Json;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Formats;

/// <summary>Writes safetensors with F32 tensors.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes all weights durably: aside, flushed, then renamed over <paramref name="path"/>.</summary>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public static unsafe void Write(string path, ModelWeights weights)
    {
        var bytes = new byte[weights.ByteCount];
        weights.CopyTo(bytes);
        Write(path, weights.Tensors, new Dictionary<string, string> { ["format"] = "pt" }, [bytes]);
    }

    /// <summary>Writes F32 tensors durably, whose bytes lie back to back in <paramref name="parts"/>.</summary>
    /// <param name="path">Where; the file appears whole or not at all.</param>
    /// <param name="tensors">Names and shapes, in the order of the bytes.</param>
    /// <param name="metadata">The header's free text.</param>
    /// <param name="parts">Little-endian float32, in order.</param>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<TensorShape> tensors, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var aside = path + ".tmp";
        using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
        {
            var header = Header(tensors, metadata);
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
            file.Write(prefix);
            file.Write(header);
            foreach (var part in parts)
                file.Write(part.Span);
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }

    private static byte[] Header(IReadOnlyList<TensorShape> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata)
                json.WriteString(key, value);
            json.WriteEndObject();
            long offset = 0;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.ElementCount * sizeof(float));
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
