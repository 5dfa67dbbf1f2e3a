using System.Text;

namespace Distributed.Node.Fuzzing;

/// <summary>Breaks an input: bytes changed, taken out, put in, doubled, cut off, and JSON values or template words replaced by awkward ones.</summary>
internal static class Mutation
{
    private const int MostEdits = 6;
    private const int LongestCopy = 256;

    private static readonly byte[][] Awkward =
    [
        .. new[]
        {
            "null", "true", "false", "0", "-1", "1e999", "-0.0", "1.5", "99999999999999999999", "2147483648", "4194303", "\"\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[]]",
            "{\"type\":\"Sequence\"}", "\"NFC\"", "\"ByteLevel\"", "\"Split\"", "[0,18446744073709551615]", "\"F32\"", "\"BF16\"", "\"I64\"", "\"..\"", "\"a b\"", "\"(?i:a|)*\"",
            "\"(((((((\"", "\"\\\\p{L}+\"", "\ufeff", "\n", "\r\n", "\u2028", "{{", "}}", "{%", "%}", "{#", "-%}", " if ", " for x in y ", " endfor ", " set ", "x.y", "[::-1]",
            "|tojson", " is defined", "range(99999)", "'a' * 9999999", " ~ ", "loop", "namespace(", "((((", "not ", "macro f()", "f()", "messages",
        }.Select(Encoding.UTF8.GetBytes),
        [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFF], [0],
    ];

    /// <summary>The input of a number.</summary>
    public static byte[] Of(IReadOnlyList<byte[]> seeds, ulong seed, int index)
    {
        var random = new Random(unchecked((int)((seed * 0x9E3779B97F4A7C15) >> 33) ^ (index * 7919)));
        var bytes = new List<byte>(seeds[random.Next(seeds.Count)]);
        // Mostly one: what several edits leave over is usually refused at the first of them.
        for (var edits = random.Next(3) > 0 ? 1 : random.Next(2, MostEdits); edits > 0; edits--)
            Edit(bytes, seeds, random);
        return [.. bytes];
    }

    private static void Edit(List<byte> bytes, IReadOnlyList<byte[]> seeds, Random random)
    {
        var at = random.Next(bytes.Count + 1);
        var length = Math.Min(random.Next(1, random.Next(2) == 0 ? 8 : LongestCopy), bytes.Count - at);
        switch (random.Next(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 1 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 4:
                bytes.InsertRange(at, Awkward[random.Next(Awkward.Length)]);
                break;
            case 5 when random.Next(4) == 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 6:
                var other = seeds[random.Next(seeds.Count)];
                var from = random.Next(other.Length);
                bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, LongestCopy))]);
                break;
            default:
                ReplaceValue(bytes, at, random);
                break;
        }
    }

    /// <summary>Replaces what stands between a colon, comma or bracket and the next one: usually one JSON value.</summary>
    private static void ReplaceValue(List<byte> bytes, int at, Random random)
    {
        var start = bytes.FindIndex(at, value => value is (byte)':' or (byte)',' or (byte)'[');
        if (start < 0)
            return;
        var end = bytes.FindIndex(start + 1, value => value is (byte)',' or (byte)'}' or (byte)']');
        end = end < 0 ? bytes.Count : end;
        bytes.RemoveRange(start + 1, end - start - 1);
        bytes.InsertRange(start + 1, Awkward[random.Next(Awkward.Length)]);
    }
}
