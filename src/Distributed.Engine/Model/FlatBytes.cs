using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Distributed.Engine.Model;

/// <summary>Float32 buffers to and from little-endian bytes.</summary>
internal static unsafe class FlatBytes
{
    public static void Write(float* from, Span<byte> bytes)
    {
        new ReadOnlySpan<byte>(from, bytes.Length).CopyTo(bytes);
        if (!BitConverter.IsLittleEndian)
            Swap(bytes);
    }

    public static void Read(ReadOnlySpan<byte> bytes, float* to)
    {
        var target = new Span<byte>(to, bytes.Length);
        bytes.CopyTo(target);
        if (!BitConverter.IsLittleEndian)
            Swap(target);
    }

    /// <summary>Index of the first float that is infinite or not a number, or -1.</summary>
    public static int FirstNotFinite(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i + 4 <= bytes.Length; i += 4)
            if ((BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]) & 0x7F800000u) == 0x7F800000u)
                return i / 4;
        return -1;
    }

    private static void Swap(Span<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, uint>(bytes);
        BinaryPrimitives.ReverseEndianness(words, words);
    }
}
