using System.Buffers.Binary;
using Distributed.Ports;

namespace Distributed.Actors.Learning;

/// <summary>What a checkpoint keeps of a process reward model: its weights and its optimizer's state.</summary>
/// <param name="Weights">Flat float32 weights.</param>
/// <param name="Optimizer">The optimizer's state.</param>
public sealed record ProcessRewardState(ReadOnlyMemory<byte> Weights, OptimizerState Optimizer)
{
    private const int Magic = 0x31525049; // "IPR1"
    private const int Header = 4 + 8 + 3 * 8;

    /// <summary>As bytes, little-endian: magic, optimizer step, three lengths, weights, first and second moments.</summary>
    public byte[] Encode()
    {
        ReadOnlyMemory<byte>[] parts = [Weights, Optimizer.FirstMoment, Optimizer.SecondMoment];
        var bytes = new byte[Header + parts.Sum(part => part.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(4), Optimizer.Step);
        var at = Header;
        for (var i = 0; i < parts.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12 + 8 * i), parts[i].Length);
            parts[i].CopyTo(bytes.AsMemory(at));
            at += parts[i].Length;
        }

        return bytes;
    }

    /// <summary>What <see cref="Encode"/> gave.</summary>
    /// <exception cref="InvalidOperationException">It is something else, such as the state of another method.</exception>
    public static ProcessRewardState Decode(ReadOnlyMemory<byte> bytes)
    {
        var wrong = new InvalidOperationException($"the checkpoint's {bytes.Length} bytes of credit state are not a process reward model's; resume with the options of the run");
        if (bytes.Length < Header || BinaryPrimitives.ReadInt32LittleEndian(bytes.Span) != Magic) throw wrong;
        var parts = new ReadOnlyMemory<byte>[3];
        long at = Header;
        for (var i = 0; i < parts.Length; i++)
        {
            var length = BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[(12 + 8 * i)..]);
            if (length < 0 || length > bytes.Length - at) throw wrong;
            parts[i] = bytes.Slice((int)at, (int)length);
            at += length;
        }

        return at == bytes.Length ? new ProcessRewardState(parts[0], new OptimizerState(BinaryPrimitives.ReadInt64LittleEndian(bytes.Span[4..]), parts[1], parts[2])) : throw wrong;
    }
}
