using System.Buffers.Binary;
using System.Text.Json;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Formats;

/// <summary>Writes safetensors.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes all weights durably: aside, flushed, then renamed over <paramref name="path"/>.</summary>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public static unsafe void Write(string path, ModelWeights weights) =>
        Write(path, weights.Tensors, WeightType.F32, Metadata, file =>
        {
            for (long at = 0, left = weights.ByteCount; left > 0;)
            {
                var part = (int)Math.Min(left, 1 << 20);
                file.Write(new ReadOnlySpan<byte>((byte*)weights.Pointer + at, part));
                (at, left) = (at + part, left - part);
            }
        });

    /// <summary>What Hugging Face's loader wants to find.</summary>
    public static IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string> { ["format"] = "pt" };

    /// <summary>Writes F32 tensors durably, whose bytes lie back to back in <paramref name="parts"/>.</summary>
    /// <param name="path">Where; the file appears whole or not at all.</param>
    /// <param name="tensors">Names and shapes, in the order of the bytes.</param>
    /// <param name="metadata">The header's free text.</param>
    /// <param name="parts">Little-endian float32, in order.</param>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<TensorShape> tensors, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<ReadOnlyMemory<byte>> parts) =>
        Write(path, tensors, WeightType.F32, metadata, file =>
        {
            foreach (var part in parts)
                file.Write(part.Span);
        });

    /// <summary>Writes tensors of one type durably.</summary>
    /// <param name="path">Where; the file appears whole or not at all.</param>
    /// <param name="tensors">Names and shapes, in the order of the bytes.</param>
    /// <param name="type">Type of all of them.</param>
    /// <param name="metadata">The header's free text.</param>
    /// <param name="values">Writes the bytes of all tensors, in order.</param>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public static void Write(
        string path, IReadOnlyList<TensorShape> tensors, WeightType type, IReadOnlyDictionary<string, string> metadata, Action<Stream> values)
    {
        var aside = path + ".tmp";
        using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
        {
            var header = HeaderOf(tensors, type, metadata);
            Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixLength];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
            file.Write(prefix);
            file.Write(header);
            values(file);
            file.Flush(flushToDisk: true);
        }

        File.Move(aside, path, overwrite: true);
    }

    /// <summary>The JSON of a header.</summary>
    public static byte[] HeaderOf(IReadOnlyList<TensorShape> tensors, WeightType type, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata ?? Metadata)
                json.WriteString(key, value);
            json.WriteEndObject();
            long offset = 0;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", type.ToString());
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.ElementCount * type.Size());
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
