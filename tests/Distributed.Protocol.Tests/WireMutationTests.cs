using System.Buffers.Binary;

namespace Distributed.Protocol.Tests;

/// <summary>Thousands of broken frames: each is a message after all, or a <see cref="WireFormatException"/>; never anything else, never much memory.</summary>
public sealed class WireMutationTests
{
    private const int MutationsPerKind = 150;
    private const long MostBytesPerDecode = 512 * 1024;

    public static TheoryData<string> Frames => [.. WireCodec.Manifests, "ledger"];

    private static readonly byte[] TypeCodes = [0xC0, 0xC1, 0xC2, 0xC4, 0xC7, 0xCA, 0xCB, 0xCF, 0xD3, 0xD9, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0x80, 0x90, 0xA0, 0xFF];

    private static readonly Func<byte[], Random, byte[]>[] Kinds =
    [
        (frame, random) => frame[..random.Next(frame.Length)], // truncated
        (frame, random) => With(frame, random.Next(frame.Length), (byte)(1 << random.Next(8)), flip: true), // one bit
        (frame, random) => With(frame, random.Next(frame.Length), (byte)random.Next(256), flip: false), // one byte
        (frame, random) => With(frame, random.Next(frame.Length), TypeCodes[random.Next(TypeCodes.Length)], flip: false), // another type
        (frame, random) => Enormous(frame, random), // a length that is not there
        (frame, random) => Cut(frame, random), // a hole
        (frame, random) => Insert(frame, random), // bytes too many
        (frame, random) => Shuffled(frame, random), // two places swapped
        (frame, random) => Noise(random.Next(1, 200), random), // anything
        (_, random) => Nested(random.Next(1, 5000)), // deep
    ];

    [Theory]
    [MemberData(nameof(Frames))]
    public void A_broken_frame_is_refused_as_such_and_takes_little_memory(string name)
    {
        var golden = WireSamples.Golden(name);
        var random = new Random(name.Sum(letter => letter));
        int refused = 0, total = 0;
        for (var kind = 0; kind < Kinds.Length; kind++)
        {
            for (var number = 0; number < MutationsPerKind; number++, total++)
            {
                var frame = Kinds[kind](golden, random);
                var before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    if (name == "ledger") WireCodec.EncodeLedger(WireCodec.DecodeLedger(frame));
                    else WireCodec.Encode(WireCodec.Decode(name, frame));
                }
                catch (WireFormatException error)
                {
                    refused++;
                    error.Message.ShouldContain(name);
                }
                catch (Exception error)
                {
                    Assert.Fail($"{name}, kind {kind}, number {number}, frame {Convert.ToHexString(frame)}: {error.GetType().Name}: {error.Message}");
                }

                var taken = GC.GetAllocatedBytesForCurrentThread() - before;
                if (taken > MostBytesPerDecode) Assert.Fail($"{name}, kind {kind}, number {number}: {taken} bytes for a frame of {frame.Length}: {Convert.ToHexString(frame)}");
            }
        }

        refused.ShouldBeGreaterThan(total / 2, "most of these frames are broken; they were taken for messages");
    }

    private static byte[] With(byte[] frame, int at, byte value, bool flip)
    {
        var changed = (byte[])frame.Clone();
        changed[at] = flip ? (byte)(changed[at] ^ value) : value;
        return changed;
    }

    private static byte[] Enormous(byte[] frame, Random random)
    {
        var at = random.Next(frame.Length);
        var header = new byte[5];
        header[0] = new byte[] { 0xC6, 0xDB, 0xDD, 0xDF }[random.Next(4)]; // bin 32, str 32, array 32, map 32
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(1), random.Next(2) == 0 ? uint.MaxValue : (uint)random.Next());
        return [.. frame[..at], .. header, .. frame[Math.Min(frame.Length, at + 1)..]];
    }

    private static byte[] Cut(byte[] frame, Random random)
    {
        var from = random.Next(frame.Length);
        return [.. frame[..from], .. frame[random.Next(from, frame.Length)..]];
    }

    private static byte[] Insert(byte[] frame, Random random)
    {
        var at = random.Next(frame.Length);
        return [.. frame[..at], .. Noise(random.Next(1, 8), random), .. frame[at..]];
    }

    private static byte[] Shuffled(byte[] frame, Random random)
    {
        var changed = (byte[])frame.Clone();
        var (a, b) = (random.Next(frame.Length), random.Next(frame.Length));
        (changed[a], changed[b]) = (changed[b], changed[a]);
        return changed;
    }

    private static byte[] Noise(int length, Random random)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Nested(int depth)
    {
        var bytes = new byte[depth];
        Array.Fill(bytes, (byte)0x91);
        return bytes;
    }
}
