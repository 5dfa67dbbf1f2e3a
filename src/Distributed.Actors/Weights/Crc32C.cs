using System.Numerics;
using System.Runtime.InteropServices;

namespace Distributed.Actors.Weights;

/// <summary>
/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41). The processor's instruction waits three cycles for its own result but can begin one every cycle, so three
/// stretches are summed side by side. The sum of a whole is that of its parts because the state is linear: after a stretch it is the state before it, carried over as many zero bytes, exclusive-or
/// the stretch's own sum from nothing.
/// </summary>
internal static class Crc32C
{
    private const int StretchWords = 512;
    private const int Stretches = 3;

    // What becomes of each byte of the state over a stretch of zeros.
    private static readonly uint[] Carried = CarriedOver(StretchWords);

    /// <summary>The checksum of a span.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        while (words.Length >= Stretches * StretchWords)
        {
            var first = words[..StretchWords];
            var second = words.Slice(StretchWords, StretchWords);
            var third = words.Slice(2 * StretchWords, StretchWords);
            var (middle, last) = (0u, 0u);
            for (var word = 0; word < StretchWords; word++)
            {
                crc = BitOperations.Crc32C(crc, first[word]);
                middle = BitOperations.Crc32C(middle, second[word]);
                last = BitOperations.Crc32C(last, third[word]);
            }

            crc = Carry(Carry(crc) ^ middle) ^ last;
            words = words[(Stretches * StretchWords)..];
        }

        foreach (var word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (var rest in bytes[(bytes.Length / sizeof(ulong) * sizeof(ulong))..]) crc = BitOperations.Crc32C(crc, rest);
        return ~crc;
    }

    private static uint Carry(uint crc) =>
        Carried[crc & 0xff] ^ Carried[256 + ((crc >> 8) & 0xff)] ^ Carried[512 + ((crc >> 16) & 0xff)] ^ Carried[768 + (crc >> 24)];

    private static uint[] CarriedOver(int zeroWords)
    {
        var bits = new uint[32];
        for (var bit = 0; bit < bits.Length; bit++)
        {
            var state = 1u << bit;
            for (var word = 0; word < zeroWords; word++) state = BitOperations.Crc32C(state, 0ul);
            bits[bit] = state;
        }

        var table = new uint[4 * 256];
        for (var place = 0; place < 4; place++)
            for (var value = 0; value < 256; value++)
                for (var bit = 0; bit < 8; bit++)
                    if ((value >> bit & 1) != 0) table[(place * 256) + value] ^= bits[(place * 8) + bit];
        return table;
    }
}
