using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>Manifests of flat float32 buffers: made by the publisher, checked by every receiver.</summary>
public static class Manifests
{
    /// <summary>Most ranges of an image: their checksums then take at most 20 KB of a notice.</summary>
    public const int MostRanges = 4096;

    /// <summary>The manifest of a version's bytes.</summary>
    public static WeightManifest Create(IReadOnlyList<TensorShape> tensors, ReadOnlySpan<byte> bytes)
    {
        var entries = new TensorEntry[tensors.Count];
        long offset = 0;
        for (var index = 0; index < tensors.Count; index++)
        {
            var tensor = tensors[index];
            var length = tensor.ElementCount * sizeof(float);
            entries[index] = new TensorEntry(tensor.Name, "F32", [.. tensor.Shape], offset, length, Crc32C(bytes.Slice((int)offset, (int)length)));
            offset += length;
        }

        if (offset != bytes.Length) throw new ArgumentException($"tensors take {offset} bytes, the buffer has {bytes.Length}", nameof(bytes));
        return new WeightManifest(offset, entries);
    }

    /// <summary>Why the bytes are not what the manifest says, or null if they are.</summary>
    public static string? Verify(WeightManifest manifest, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != manifest.TotalBytes) return $"{bytes.Length} bytes instead of {manifest.TotalBytes}";
        long offset = 0;
        foreach (var tensor in manifest.Tensors)
        {
            // Back to back, so that every byte is under some tensor's checksum.
            if (tensor.Offset != offset || tensor.Length < 0 || tensor.Length > bytes.Length - offset) return $"tensor {tensor.Name} does not follow the one before it";
            if (Crc32C(bytes.Slice((int)offset, (int)tensor.Length)) != tensor.Crc32C) return $"tensor {tensor.Name} has a wrong checksum";
            offset += tensor.Length;
        }

        return offset == bytes.Length ? null : $"{bytes.Length - offset} bytes belong to no tensor";
    }

    /// <summary>Cuts an image into ranges of <paramref name="rangeBytes"/>, or longer ones if these would be more than <see cref="MostRanges"/>.</summary>
    public static ImageRanges Cut(ReadOnlySpan<byte> image, int rangeBytes)
    {
        while ((image.Length + (long)rangeBytes - 1) / rangeBytes > MostRanges) rangeBytes *= 2;
        var sums = new uint[(image.Length + rangeBytes - 1) / rangeBytes];
        for (var range = 0; range < sums.Length; range++)
            sums[range] = Crc32C(image.Slice(range * rangeBytes, Math.Min(rangeBytes, image.Length - (range * rangeBytes))));
        return new ImageRanges(image.Length, rangeBytes, sums);
    }

    /// <summary>A checksum of all tensors, by which two versions can be held against each other.</summary>
    public static uint Checksum(WeightManifest manifest) =>
        Crc32C(System.Runtime.InteropServices.MemoryMarshal.AsBytes<uint>(manifest.Tensors.Select(tensor => tensor.Crc32C).ToArray()));

    /// <summary>CRC-32C (Castagnoli) of a span.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> bytes) => Weights.Crc32C.Of(bytes);
}
