using System.Buffers.Binary;

namespace Distributed.Actors.Weights;

/// <summary>
/// What changed between two versions of the same flat float32 buffer. The buffer is taken in blocks; a block is a tag and its content: 0 unchanged, nothing follows;
/// 2 the new bytes as they are; 3 changed: 4 bytes little-endian of length, then the differences of the words (<see cref="WordDifferences"/>) and the bytes beyond the last whole
/// group as they are, where that is shorter.
/// </summary>
public static class WeightDelta
{
    private const int BlockBytes = 256 * 1024;
    private const byte Unchanged = 0;
    private const byte Whole = 2;
    private const byte Changed = 3;

    /// <summary>The delta that leads from one version to the next.</summary>
    /// <exception cref="ArgumentException">The two are not of the same length.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        if (from.Length != to.Length) throw new ArgumentException($"versions of {from.Length} and {to.Length} bytes have no delta", nameof(to));
        using var delta = new MemoryStream();
        var packed = new byte[sizeof(int) + WordDifferences.MostBytes(BlockBytes)];
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

            var (grouped, written) = WordDifferences.Pack(before, after, packed.AsSpan(sizeof(int)));
            if (sizeof(int) + written + length - grouped < length)
            {
                delta.WriteByte(Changed);
                BinaryPrimitives.WriteInt32LittleEndian(packed, written);
                delta.Write(packed.AsSpan(0, sizeof(int) + written));
                delta.Write(after[grouped..]);
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
        var to = GC.AllocateUninitializedArray<byte>(from.Length); // every byte is written, or it is thrown away
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
                    var grouped = WordDifferences.Grouped(length);
                    if (size < 0 || size > delta.Length - sizeof(int) - (length - grouped)) return null;
                    if (!WordDifferences.TryUnpack(before[..grouped], delta.Slice(sizeof(int), size), after[..grouped])) return null;
                    delta = delta[(sizeof(int) + size)..];
                    delta[..(length - grouped)].CopyTo(after[grouped..]);
                    delta = delta[(length - grouped)..];
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
}
