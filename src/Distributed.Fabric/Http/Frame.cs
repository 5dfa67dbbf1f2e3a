using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Distributed.Protocol;

namespace Distributed.Fabric.Http;

/// <summary>What a frame is.</summary>
internal enum FrameKind : byte
{
    Message = 1,
    Heartbeat = 2,
    Goodbye = 3,
}

/// <summary>
/// Frames of a connection: one WebSocket message each. Layout: kind (1 byte), for a message the manifest's length (1 byte) and the manifest, the
/// payload, and a mark of <see cref="MarkBytes"/> bytes: HMAC-SHA256 under the connection's key, cut short, over the frame's number and all before it.
/// A frame that was changed, left out, repeated or moved on its way is therefore noticed.
/// </summary>
internal static class Frame
{
    public const int MarkBytes = 16;

    /// <summary>Bytes a frame has besides a message's payload, at most.</summary>
    public const int Overhead = 2 + LongestManifest + MarkBytes;

    private const int LongestManifest = 16;

    /// <summary>A message's frame without its mark, which is added when it is sent.</summary>
    public static byte[] Of(string manifest, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[2 + manifest.Length + payload.Length + MarkBytes];
        frame[0] = (byte)FrameKind.Message;
        frame[1] = checked((byte)manifest.Length);
        Encoding.ASCII.GetBytes(manifest, frame.AsSpan(2));
        payload.CopyTo(frame.AsSpan(2 + manifest.Length));
        return frame;
    }

    /// <summary>A frame that is no message.</summary>
    public static byte[] Of(FrameKind kind, string text = "")
    {
        var frame = new byte[1 + Encoding.UTF8.GetByteCount(text) + MarkBytes];
        frame[0] = (byte)kind;
        Encoding.UTF8.GetBytes(text, frame.AsSpan(1));
        return frame;
    }

    /// <summary>Puts the mark at a frame's end.</summary>
    public static void Mark(Span<byte> frame, ReadOnlySpan<byte> key, long number)
    {
        Span<byte> mark = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Compute(frame[..^MarkBytes], key, number, mark);
        mark[..MarkBytes].CopyTo(frame[^MarkBytes..]);
    }

    /// <summary>Whether a frame is the one that was sent as <paramref name="number"/>.</summary>
    public static bool IsGenuine(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> key, long number)
    {
        if (frame.Length < 1 + MarkBytes) return false;
        Span<byte> mark = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Compute(frame[..^MarkBytes], key, number, mark);
        return CryptographicOperations.FixedTimeEquals(mark[..MarkBytes], frame[^MarkBytes..]);
    }

    /// <summary>The message in a genuine frame.</summary>
    /// <exception cref="WireFormatException">It is none.</exception>
    public static IWireMessage Message(ReadOnlyMemory<byte> frame)
    {
        var span = frame.Span;
        if (span.Length < 2 + MarkBytes || span[1] > LongestManifest || 2 + span[1] + MarkBytes > span.Length) throw new WireFormatException("a frame without a manifest");
        var manifest = Encoding.ASCII.GetString(span.Slice(2, span[1]));
        return WireCodec.Decode(manifest, frame[(2 + manifest.Length)..^MarkBytes]);
    }

    /// <summary>The text of a frame that is no message.</summary>
    public static string TextOf(ReadOnlySpan<byte> frame) => Encoding.UTF8.GetString(frame[1..^MarkBytes]);

    private static void Compute(ReadOnlySpan<byte> body, ReadOnlySpan<byte> key, long number, Span<byte> mark)
    {
        // The number goes into the key, so that the body is hashed where it lies.
        Span<byte> numbered = stackalloc byte[HMACSHA256.HashSizeInBytes + sizeof(long)];
        key.CopyTo(numbered);
        BinaryPrimitives.WriteInt64LittleEndian(numbered[HMACSHA256.HashSizeInBytes..], number);
        HMACSHA256.HashData(numbered, body, mark);
    }
}
