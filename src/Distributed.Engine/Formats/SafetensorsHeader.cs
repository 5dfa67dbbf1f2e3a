using System.Buffers.Binary;
using System.Text.Json;

namespace Distributed.Engine.Formats;

/// <summary>Parses and checks the JSON header of a safetensors file.</summary>
internal static class SafetensorsHeader
{
    /// <summary>Bytes in front of the header, which say how long it is.</summary>
    public const int PrefixLength = 8;

    /// <summary>Longest header that is accepted, as in the reference implementation.</summary>
    public const long LongestHeader = 100_000_000;

    /// <summary>The header's length from a file's first bytes.</summary>
    /// <param name="path">For messages.</param>
    /// <param name="prefix">The first 8 bytes; fewer if the file has fewer.</param>
    /// <param name="fileLength">Bytes of the whole file.</param>
    /// <exception cref="ModelFormatException">The file is too short for a header of that length, or the length is absurd.</exception>
    public static int LengthOf(string path, ReadOnlySpan<byte> prefix, long fileLength)
    {
        if (prefix.Length < PrefixLength)
            throw new ModelFormatException($"{path}: is {fileLength} bytes long, too short for a safetensors file; fetch or save it again.");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LongestHeader)
            throw new ModelFormatException($"{path}: claims a header of {length} bytes, more than {LongestHeader}; this is not a safetensors file.");
        if ((long)length > fileLength - PrefixLength)
            throw new ModelFormatException($"{path}: is cut off inside its header ({fileLength} bytes, header {length}); fetch or save it again.");
        return (int)length;
    }

    /// <param name="path">For messages.</param>
    /// <param name="header">The JSON text, UTF-8.</param>
    /// <param name="dataLength">Bytes behind the header.</param>
    /// <exception cref="ModelFormatException">Anything is not as the format says.</exception>
    public static Dictionary<string, SafetensorsEntry> Parse(string path, byte[] header, long dataLength)
    {
        var entries = new Dictionary<string, SafetensorsEntry>();
        try
        {
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new ModelFormatException($"{path}: the header is not a JSON object; this is not a safetensors file.");
            foreach (var member in json.RootElement.EnumerateObject())
            {
                if (member.NameEquals("__metadata__"))
                    continue;
                var entry = ParseEntry(path, member.Name, member.Value);
                if (!entries.TryAdd(member.Name, entry))
                    throw new ModelFormatException($"{path}: tensor '{Short(member.Name)}' is listed twice; save the file again.");
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with broken UTF-16 escapes.
            throw new ModelFormatException($"{path}: the header is not valid JSON ({OneLine(e.Message)}); this is not a safetensors file.", e);
        }

        CheckCoverage(path, entries.Values, dataLength);
        return entries;
    }

    /// <summary>A name from a file, cut to a length that fits on a line.</summary>
    public static string Short(string name)
    {
        var line = OneLine(name);
        return line.Length <= 120 ? line : line[..120] + "..";
    }

    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private static SafetensorsEntry ParseEntry(string path, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var type) || type.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shape) || shape.ValueKind != JsonValueKind.Array
            || !value.TryGetProperty("data_offsets", out var offsets) || offsets.ValueKind != JsonValueKind.Array || offsets.GetArrayLength() != 2
            || !TryWhole(offsets[0], out var start) || !TryWhole(offsets[1], out var end))
            throw new ModelFormatException($"{path}: tensor '{Short(name)}' lacks a proper dtype, shape or data_offsets; save the file again.");

        var sizes = new List<long>();
        Int128 elements = 1;
        foreach (var size in shape.EnumerateArray())
        {
            if (!TryWhole(size, out var whole) || sizes.Count == 8)
                throw new ModelFormatException($"{path}: tensor '{Short(name)}' has a shape that is not up to 8 whole numbers; save the file again.");
            sizes.Add(whole);
            elements *= whole;
            if (elements > long.MaxValue)
                throw new ModelFormatException($"{path}: tensor '{Short(name)}' has an impossibly large shape; save the file again.");
        }

        var typeName = type.GetString()!;
        var bits = BitsOf(typeName);
        if (bits == 0)
            throw new ModelFormatException($"{path}: tensor '{Short(name)}' has the unknown type '{Short(typeName)}'; convert it to F32, F16 or BF16.");
        if (end < start || (end - start) * (Int128)8 != elements * bits)
            throw new ModelFormatException(
                $"{path}: tensor '{Short(name)}' of type {typeName} and shape [{string.Join(", ", sizes)}] has data_offsets [{start}, {end}], which do not fit; save the file again.");
        return new SafetensorsEntry(name, typeName, sizes, start, end);
    }

    private static bool TryWhole(JsonElement element, out long value)
    {
        value = 0;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out value) && value >= 0;
    }

    private static int BitsOf(string type) => type switch
    {
        "F64" or "I64" or "U64" => 64,
        "F32" or "I32" or "U32" => 32,
        "F16" or "BF16" or "I16" or "U16" => 16,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 8,
        _ => 0,
    };

    private static void CheckCoverage(string path, IEnumerable<SafetensorsEntry> entries, long dataLength)
    {
        long at = 0;
        foreach (var entry in entries.OrderBy(e => e.Start).ThenBy(e => e.End))
        {
            if (entry.Start < at)
                throw new ModelFormatException($"{path}: tensor '{Short(entry.Name)}' overlaps another one; save the file again.");
            if (entry.Start > at)
                throw new ModelFormatException($"{path}: {entry.Start - at} bytes before tensor '{Short(entry.Name)}' belong to no tensor; save the file again.");
            if (entry.End > dataLength)
                throw new ModelFormatException(
                    $"{path}: is cut off inside tensor '{Short(entry.Name)}' (it ends at {entry.End} of {dataLength} bytes); fetch or save it again.");
            at = entry.End;
        }

        if (at != dataLength)
            throw new ModelFormatException($"{path}: {dataLength - at} bytes at the end belong to no tensor; fetch or save it again.");
    }
}
