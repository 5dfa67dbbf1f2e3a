using System.Buffers;
using System.Collections.Frozen;
using MessagePack;

namespace Distributed.Protocol;

/// <summary>
/// The table manifest &lt;-&gt; type of everything that may cross a node boundary, and the bytes of each.
/// Manifests are never reused and keys are only appended (golden bytes in the tests hold that).
/// </summary>
public static class WireCodec
{
    /// <summary>Largest frame that is decoded, bytes; a longer one is refused before it is looked at.</summary>
    public const int MaxFrameBytes = 16 * 1024 * 1024;

    /// <summary>Largest ledger that is decoded, bytes: thousands of untrained trajectories, and no more than one array can hold.</summary>
    public const int MaxLedgerBytes = 1024 * 1024 * 1024;

    private static readonly MessagePackSerializerOptions Options =
        MessagePackSerializerOptions.Standard.WithSecurity(MessagePackSecurity.UntrustedData);

    private static readonly (string Manifest, Type Type)[] Table =
    [
        ("wr1", typeof(WorkerReady)),
        ("lf1", typeof(LeaseFailed)),
        ("ls1", typeof(LeaseSettled)),
        ("rg1", typeof(RolloutLeaseGranted)),
        ("rc1", typeof(RolloutCompleted)),
        ("sg1", typeof(ScoreLeaseGranted)),
        ("sc1", typeof(ScoreCompleted)),
        ("pp1", typeof(PolicyPublished)),
        ("pw1", typeof(PolicyWanted)),
    ];

    private static readonly FrozenDictionary<string, Type> ByManifest = Table.ToFrozenDictionary(row => row.Manifest, row => row.Type);
    private static readonly FrozenDictionary<Type, string> ByType = Table.ToFrozenDictionary(row => row.Type, row => row.Manifest);

    /// <summary>Every manifest there is.</summary>
    public static IEnumerable<string> Manifests => Table.Select(row => row.Manifest);

    /// <summary>The manifest of a message.</summary>
    /// <exception cref="WireFormatException">The type is not in the table.</exception>
    public static string ManifestOf(IWireMessage message) => ByType.TryGetValue(message.GetType(), out var manifest)
        ? manifest
        : throw new WireFormatException($"{message.GetType().Name} has no manifest; add it to the table in WireCodec");

    /// <summary>The type behind a manifest, or null.</summary>
    public static Type? TypeOf(string manifest) => ByManifest.GetValueOrDefault(manifest);

    /// <summary>MessagePack bytes of a message.</summary>
    public static byte[] Encode(IWireMessage message) => MessagePackSerializer.Serialize(message.GetType(), message, Options);

    /// <summary>The message in a frame.</summary>
    /// <exception cref="WireFormatException">Unknown manifest, frame too long, or bytes that are not that message.</exception>
    public static IWireMessage Decode(string manifest, ReadOnlyMemory<byte> frame)
    {
        if (!ByManifest.TryGetValue(manifest, out var type))
            throw new WireFormatException($"unknown manifest '{manifest}'");
        return (IWireMessage)Read(type, frame, manifest, MaxFrameBytes);
    }

    /// <summary>Bytes of a ledger snapshot, for a checkpoint.</summary>
    public static byte[] EncodeLedger(LedgerSnapshot ledger) => MessagePackSerializer.Serialize(ledger, Options);

    /// <summary>The ledger snapshot in a checkpoint.</summary>
    /// <exception cref="WireFormatException">The bytes are not a ledger.</exception>
    public static LedgerSnapshot DecodeLedger(ReadOnlyMemory<byte> bytes) => (LedgerSnapshot)Read(typeof(LedgerSnapshot), bytes, "ledger", MaxLedgerBytes);

    private static object Read(Type type, ReadOnlyMemory<byte> frame, string what, int limit)
    {
        if (frame.Length > limit)
            throw new WireFormatException($"'{what}' frame of {frame.Length} bytes is over the limit of {limit}");
        try
        {
            var reader = new MessagePackReader(new ReadOnlySequence<byte>(frame));
            var value = MessagePackSerializer.Deserialize(type, ref reader, Options);
            if (!reader.End) throw new WireFormatException($"'{what}' frame has bytes after its end");
            if (value == null) throw new WireFormatException($"'{what}' frame is nil");
            return WireShape.Fault(value) is { } fault ? throw new WireFormatException($"'{what}' frame: {fault}") : value;
        }
        catch (Exception error) when (error is MessagePackSerializationException or EndOfStreamException or OverflowException or InvalidOperationException)
        {
            throw new WireFormatException($"'{what}' frame of {frame.Length} bytes cannot be read: {error.GetBaseException().Message}", error);
        }
    }
}

/// <summary>Bytes that are not a message of this protocol.</summary>
public sealed class WireFormatException : Exception
{
    /// <summary>Says what is wrong with the bytes.</summary>
    public WireFormatException(string message, Exception? inner = null) : base(message, inner) { }
}
