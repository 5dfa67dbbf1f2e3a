using System.Buffers.Binary;
using System.IO.Compression;

namespace Distributed.Actors.Weights;

/// <summary>
/// What changed between two versions of the same flat float32 buffer. The buffer is taken in blocks; a block is a tag and its content: 0 unchanged, nothing follows;
/// 1 changed: the exclusive-or of old and new, its four byte planes one after the other, Brotli (4 bytes little-endian of length before it); 2 the new bytes as they are, where that
/// is shorter. Small updates leave sign, exponent and upper fraction mostly alone, so two of the four planes are nearly all zero.
/// </summary>
public static class WeightDelta
{
    private const int BlockBytes = 256 * 1024;
    private const byte Unchanged = 0;
    private const byte Changed = 1;
    private const byte Whole = 2;

    /// <summary>The delta that leads from one version to the next.</summary>
    /// <exception cref="ArgumentException">The two are not of the same length.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        if (from.Length != to.Length) throw new ArgumentException($"versions of {from.Length} and {to.Length} bytes have no delta", nameof(to));
        using var delta = new MemoryStream();
        var planes = new byte[BlockBytes];
        var packed = new byte[BrotliEncoder.GetMaxCompressedLength(BlockBytes)];
        Span<byte> size = stackalloc byte[sizeof(int)];
        for (var at = 0; at < to.Length; at += BlockBytes)
        {
            var length = Math.Min(BlockBytes, to.Length - at);
            var before = from.Slice(at, length);
            var after = to.Slice(at, length);
            if (before.SequenceEqual(after))
            {
                delta.WriteByte(Unchanged);
                continue;
            }

            ToPlanes(before, after, planes);
            // Quality 1: what can be won lies in the zero planes, and higher qualities cost ten times the time for a few percent.
            if (BrotliEncoder.TryCompress(planes.AsSpan(0, length), packed, out var written, quality: 1, window: 18) && written + sizeof(int) < length)
            {
                delta.WriteByte(Changed);
                BinaryPrimitives.WriteInt32LittleEndian(size, written);
                delta.Write(size);
                delta.Write(packed.AsSpan(0, written));
            }
            else
            {
                delta.WriteByte(Whole);
                delta.Write(after);
            }
        }

        return delta.ToArray();
    }

    /// <summary>The newer version, or null if the bytes are no delta of a version of this length.</summary>
    public static byte[]? Apply(ReadOnlySpan<byte> from, ReadOnlySpan<byte> delta)
    {
        var to = new byte[from.Length];
        var planes = new byte[BlockBytes];
        for (var at = 0; at < to.Length; at += BlockBytes)
        {
            var length = Math.Min(BlockBytes, to.Length - at);
            var before = from.Slice(at, length);
            var after = to.AsSpan(at, length);
            if (delta.IsEmpty) return null;
            var tag = delta[0];
            delta = delta[1..];
            switch (tag)
            {
                case Unchanged:
                    before.CopyTo(after);
                    break;
                case Changed:
                    if (delta.Length < sizeof(int)) return null;
                    var size = BinaryPrimitives.ReadInt32LittleEndian(delta);
                    if (size < 0 || size > delta.Length - sizeof(int)) return null;
                    if (!BrotliDecoder.TryDecompress(delta.Slice(sizeof(int), size), planes.AsSpan(0, length), out var written) || written != length) return null;
                    FromPlanes(before, planes, after);
                    delta = delta[(sizeof(int) + size)..];
                    break;
                case Whole:
                    if (delta.Length < length) return null;
                    delta[..length].CopyTo(after);
                    delta = delta[length..];
                    break;
                default:
                    return null;
            }
        }

        return delta.IsEmpty ? to : null;
    }

    // Byte b of every word stands together: plane b begins at b * words. Bytes beyond the last whole word follow as they are.
    private static void ToPlanes(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after, Span<byte> planes)
    {
        var words = after.Length / sizeof(float);
        for (var word = 0; word < words; word++)
        {
            var difference = BinaryPrimitives.ReadUInt32LittleEndian(before[(word * 4)..]) ^ BinaryPrimitives.ReadUInt32LittleEndian(after[(word * 4)..]);
            planes[word] = (byte)difference;
            planes[words + word] = (byte)(difference >> 8);
            planes[(2 * words) + word] = (byte)(difference >> 16);
            planes[(3 * words) + word] = (byte)(difference >> 24);
        }

        for (var rest = words * 4; rest < after.Length; rest++) planes[rest] = (byte)(before[rest] ^ after[rest]);
    }

    private static void FromPlanes(ReadOnlySpan<byte> before, ReadOnlySpan<byte> planes, Span<byte> after)
    {
        var words = after.Length / sizeof(float);
        for (var word = 0; word < words; word++)
        {
            var difference = planes[word] | ((uint)planes[words + word] << 8) | ((uint)planes[(2 * words) + word] << 16) | ((uint)planes[(3 * words) + word] << 24);
            BinaryPrimitives.WriteUInt32LittleEndian(after[(word * 4)..], BinaryPrimitives.ReadUInt32LittleEndian(before[(word * 4)..]) ^ difference);
        }

        for (var rest = words * 4; rest < after.Length; rest++) after[rest] = (byte)(before[rest] ^ planes[rest]);
    }
}
