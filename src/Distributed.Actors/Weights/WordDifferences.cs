using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Distributed.Actors.Weights;

/// <summary>
/// The differences of the words of two buffers, taken as 32-bit integers, packed. Floats of one sign are in the order of their bit patterns, so a small step is a small
/// difference, whatever carries it makes in the bits. Eight words are a group: one byte that says how many bits the longest of its differences takes (sign folded in as the
/// lowest bit), then the eight differences in that many bits each, which makes as many bytes. Groups without a change are counted instead: a byte of 32 + their number.
/// </summary>
internal static class WordDifferences
{
    private const int GroupWords = 8;
    private const int GroupBytes = GroupWords * sizeof(uint);
    private const int LongestWord = 32;
    private const int MostZeros = byte.MaxValue - LongestWord;

    /// <summary>Most bytes that so many can be packed into.</summary>
    public static int MostBytes(int bytes) => (bytes / GroupBytes * (GroupBytes + 1)) + sizeof(ulong);

    /// <summary>How many of so many bytes are in whole groups.</summary>
    public static int Grouped(int bytes) => bytes / GroupBytes * GroupBytes;

    /// <summary>Packs the whole groups. Returns how many bytes these are, and how many they take.</summary>
    public static (int Grouped, int Written) Pack(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after, Span<byte> packed)
    {
        var grouped = Grouped(after.Length);
        var old = MemoryMarshal.Cast<byte, int>(before[..grouped]);
        var fresh = MemoryMarshal.Cast<byte, int>(after[..grouped]);
        Span<uint> group = stackalloc uint[GroupWords];
        var (at, zeros) = (0, 0);
        for (var word = 0; word < fresh.Length; word += GroupWords)
        {
            var difference = Vector256.Create(fresh.Slice(word, GroupWords)) - Vector256.Create(old.Slice(word, GroupWords));
            if (difference == Vector256<int>.Zero)
            {
                if (++zeros == MostZeros) Zeros(packed);
                continue;
            }

            if (zeros > 0) Zeros(packed);
            ((difference << 1) ^ (difference >> 31)).AsUInt32().CopyTo(group);
            var all = 0u;
            foreach (var value in group) all |= value;
            var bits = LongestWord - BitOperations.LeadingZeroCount(all);
            packed[at++] = (byte)bits;
            var (held, count) = (0ul, 0);
            var end = at;
            foreach (var value in group)
            {
                held |= (ulong)value << count;
                count += bits;
                if (count < LongestWord) continue;
                BinaryPrimitives.WriteUInt32LittleEndian(packed[end..], (uint)held);
                end += sizeof(uint);
                held >>= LongestWord;
                count -= LongestWord;
            }

            BinaryPrimitives.WriteUInt32LittleEndian(packed[end..], (uint)held); // of which the next group overwrites what is not needed
            at += bits;
        }

        if (zeros > 0) Zeros(packed);
        return (grouped, at);

        void Zeros(Span<byte> packed)
        {
            packed[at++] = (byte)(LongestWord + zeros);
            zeros = 0;
        }
    }

    /// <summary>Unpacks whole groups; false if the bytes are not just these.</summary>
    public static bool TryUnpack(ReadOnlySpan<byte> before, ReadOnlySpan<byte> packed, Span<byte> after)
    {
        var old = MemoryMarshal.Cast<byte, int>(before);
        var fresh = MemoryMarshal.Cast<byte, int>(after);
        Span<uint> group = stackalloc uint[GroupWords];
        Span<byte> last = stackalloc byte[LongestWord + sizeof(uint)];
        for (var word = 0; word < fresh.Length;)
        {
            if (packed.IsEmpty) return false;
            int bits = packed[0];
            packed = packed[1..];
            if (bits > LongestWord)
            {
                var words = (bits - LongestWord) * GroupWords;
                if (words > fresh.Length - word) return false;
                old.Slice(word, words).CopyTo(fresh[word..]);
                word += words;
                continue;
            }

            if (bits == 0 || packed.Length < bits) return false;
            if (packed.Length < bits + sizeof(uint)) packed.CopyTo(last);
            scoped var source = packed.Length < bits + sizeof(uint) ? last : packed; // whole words can be read of either

            var (held, count, next) = (0ul, 0, 0);
            var mask = (1ul << bits) - 1;
            for (var index = 0; index < GroupWords; index++)
            {
                if (count < bits)
                {
                    held |= (ulong)BinaryPrimitives.ReadUInt32LittleEndian(source[next..]) << count;
                    next += sizeof(uint);
                    count += LongestWord;
                }

                group[index] = (uint)(held & mask);
                held >>= bits;
                count -= bits;
            }

            packed = packed[bits..];
            var folded = Vector256.Create((ReadOnlySpan<uint>)group);
            var difference = (folded >>> 1).AsInt32() ^ -(folded & Vector256<uint>.One).AsInt32();
            (Vector256.Create(old.Slice(word, GroupWords)) + difference).CopyTo(fresh[word..]);
            word += GroupWords;
        }

        return packed.IsEmpty;
    }
}
