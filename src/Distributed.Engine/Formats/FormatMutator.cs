using System.Text;

namespace Distributed.Engine.Formats;

/// <summary>Damages files the way broken downloads, careless scripts and attackers do. The same seed gives the same damage.</summary>
internal sealed class FormatMutator(ulong seed)
{
    private static readonly byte[][] s_tokens =
    [
        .. new[]
        {
            "9", "-", "-1", "0", "99999999999999999999", "9223372036854775807", "9223372036854775808", "4611686018427387904", "1e400", "1e-400", "0.5", "NaN",
            "null", "true", "false", "{", "}", "[", "]", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":", "\"",
            "\\ud800", "\\u0000", "\\", ",", ":", "\"\"", "\n", "\u0000", "\uFEFF", "../", "/etc/passwd", "\u202E",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ];

    private ulong _state = seed;

    /// <summary>A number in [0, end).</summary>
    public int Next(int end) => (int)((UInt128)Word() * (uint)end >> 64);

    /// <summary>Any 64 bits (SplitMix64, Steele et al. 2014).</summary>
    public ulong Word()
    {
        var z = _state += 0x9E3779B97F4A7C15ul;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBul;
        return z ^ (z >> 31);
    }

    /// <summary>A damaged copy.</summary>
    public byte[] Mutate(byte[] source)
    {
        var bytes = new List<byte>(source);
        for (var changes = 1 + Next(5); changes > 0; changes--)
        {
            var at = Next(bytes.Count + 1);
            var some = Math.Min(1 + Next(40), bytes.Count - at);
            switch (Next(9))
            {
                case 0 when at < bytes.Count: bytes[at] = (byte)Next(256); break;
                case 1 when at < bytes.Count: bytes[at] ^= (byte)(1 << Next(8)); break;
                case 2: bytes.RemoveRange(at, some); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, some)); break;
                case 4: ReplaceNumber(bytes, at); break;
                case 5: bytes.RemoveRange(at, bytes.Count - at); break;
                case 6: Swap(bytes); break;
                default: bytes.InsertRange(at, s_tokens[Next(s_tokens.Length)]); break;
            }
        }

        return [.. bytes];
    }

    /// <summary>The length in front of a header: most often right, else a little or very wrong.</summary>
    public ulong HeaderLength(int right) => Next(8) switch
    {
        0 => Word(),
        1 => 1ul << Next(64),
        2 => (ulong)right + (ulong)Next(16) - 8,
        _ => (ulong)right,
    };

    // The first number from here on becomes another one.
    private void ReplaceNumber(List<byte> bytes, int from)
    {
        var start = bytes.FindIndex(from, b => b is >= (byte)'0' and <= (byte)'9');
        if (start < 0)
            return;
        var end = start;
        while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9')
            end++;
        bytes.RemoveRange(start, end - start);
        bytes.InsertRange(start, s_tokens[Next(15)]);
    }

    // Two stretches change places.
    private void Swap(List<byte> bytes)
    {
        if (bytes.Count < 4)
            return;
        var length = 1 + Next(Math.Min(30, bytes.Count / 2));
        var (one, other) = (Next(bytes.Count - length), Next(bytes.Count - length));
        for (var i = 0; i < length; i++)
            (bytes[one + i], bytes[other + i]) = (bytes[other + i], bytes[one + i]);
    }
}
