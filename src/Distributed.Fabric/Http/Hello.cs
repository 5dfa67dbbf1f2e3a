using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Distributed.Protocol;

namespace Distributed.Fabric.Http;

/// <summary>Which process a node is: the same name under another instance is another life.</summary>
internal readonly record struct Instance(UInt128 Value)
{
    public const int Bytes = 16;

    public static Instance New() => new(BinaryPrimitives.ReadUInt128LittleEndian(RandomNumberGenerator.GetBytes(Bytes)));
}

/// <summary>What a node says first. Fixed layout, so that nothing of an unknown peer is ever decoded by a general serialiser.</summary>
/// <param name="Node">Its name: letters, digits, '-', '_' and '.'.</param>
/// <param name="Instance">Its process.</param>
/// <param name="Incarnation">Number of its life, as far as it knows.</param>
/// <param name="Address">Where other nodes reach its HTTP endpoint; empty if nowhere.</param>
/// <param name="Run">The run it works for; empty for a member: whichever there is.</param>
internal sealed record Hello(NodeId Node, Instance Instance, long Incarnation, string Address, string Run)
{
    public const int LongestName = 64;
    public const int LongestAddress = 256;
    public const int LongestRun = 64;
    public const int NonceBytes = 32;
    private const int FixedBytes = 8 + Instance.Bytes + 8 + NonceBytes;

    /// <summary>Longest hello, bytes.</summary>
    public const int LongestBytes = FixedBytes + 2 + LongestName + 2 + LongestAddress + 2 + LongestRun;

    private static ReadOnlySpan<byte> Magic => "dstrbtd1"u8;

    /// <summary>Whether a node may be called so.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName && !name.StartsWith('.') && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');

    public byte[] Write(ReadOnlySpan<byte> nonce)
    {
        var bytes = new List<byte>(LongestBytes);
        bytes.AddRange(Magic);
        var number = new byte[Instance.Bytes];
        BinaryPrimitives.WriteUInt128LittleEndian(number, Instance.Value);
        bytes.AddRange(number);
        BinaryPrimitives.WriteInt64LittleEndian(number, Incarnation);
        bytes.AddRange(number.AsSpan(0, 8));
        bytes.AddRange(nonce);
        foreach (var text in new[] { Node.Value, Address, Run })
        {
            var letters = Encoding.UTF8.GetBytes(text);
            bytes.Add((byte)letters.Length);
            bytes.Add((byte)(letters.Length >> 8));
            bytes.AddRange(letters);
        }

        return [.. bytes];
    }

    /// <summary>The hello in some bytes, or null if they are none.</summary>
    public static Hello? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FixedBytes || bytes.Length > LongestBytes || !bytes.StartsWith(Magic)) return null;
        var instance = new Instance(BinaryPrimitives.ReadUInt128LittleEndian(bytes[8..]));
        var incarnation = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]);
        var rest = bytes[FixedBytes..];
        if (Text(ref rest, LongestName) is not { } name || Text(ref rest, LongestAddress) is not { } address || Text(ref rest, LongestRun) is not { } run) return null;
        return rest.IsEmpty && IsName(name) && incarnation >= 0 ? new Hello(new NodeId(name), instance, incarnation, address, run) : null;
    }

    private static string? Text(ref ReadOnlySpan<byte> rest, int longest)
    {
        if (rest.Length < 2) return null;
        var length = BinaryPrimitives.ReadUInt16LittleEndian(rest);
        if (length > longest || length > rest.Length - 2) return null;
        var text = Encoding.UTF8.GetString(rest.Slice(2, length));
        rest = rest[(2 + length)..];
        return text;
    }
}
