using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Serialization;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>The key of a cluster's messages, given to the actor system beside its configuration so that no printed configuration can hold it.</summary>
public sealed class WireKeySetup(ReadOnlyMemory<byte> key) : Setup
{
    /// <summary>Key of the marks.</summary>
    public ReadOnlyMemory<byte> Key { get; } = key;
}

/// <summary>
/// Envelopes between nodes: manifest = that of the message (<see cref="WireCodec"/>); bytes = mark (16), length of the sender's name (2, little-endian), the name in UTF-8,
/// the message in MessagePack. The mark is HMAC-SHA256, cut short, over the manifest and all that follows; a message without it is not decoded.
/// </summary>
public sealed class WireSerializer : SerializerWithStringManifest
{
    private const int MarkBytes = 16;
    private const int LongestName = 256;
    private readonly ReadOnlyMemory<byte> _key;

    /// <summary>The serializer of an actor system that was given a <see cref="WireKeySetup"/>.</summary>
    public WireSerializer(ExtendedActorSystem system)
        : base(system) => _key = system.Settings.Setup.Get<WireKeySetup>() is { HasValue: true } setup
            ? setup.Value.Key
            : throw new InvalidOperationException("the actor system was started without the key of the cluster's messages");

    /// <inheritdoc/>
    public override int Identifier => 1001;

    /// <inheritdoc/>
    public override string Manifest(object o) => WireCodec.ManifestOf(Envelope(o).Message);

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        var envelope = Envelope(obj);
        var name = Encoding.UTF8.GetBytes(envelope.From.Value);
        if (name.Length > LongestName) throw new WireFormatException($"a node's name of {name.Length} bytes is over the limit of {LongestName}");
        var message = WireCodec.Encode(envelope.Message);
        var bytes = new byte[MarkBytes + sizeof(ushort) + name.Length + message.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(MarkBytes), (ushort)name.Length);
        name.CopyTo(bytes, MarkBytes + sizeof(ushort));
        message.CopyTo(bytes, MarkBytes + sizeof(ushort) + name.Length);
        Mark(WireCodec.ManifestOf(envelope.Message), bytes.AsSpan(MarkBytes)).CopyTo(bytes.AsSpan());
        return bytes;
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (WireCodec.TypeOf(manifest) == null) throw new WireFormatException($"unknown manifest '{manifest}'");
        if (bytes.Length < MarkBytes + sizeof(ushort) || bytes.Length > MarkBytes + sizeof(ushort) + LongestName + WireCodec.MaxFrameBytes) throw new WireFormatException($"'{manifest}' frame of {bytes.Length} bytes");
        if (!CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, MarkBytes), Mark(manifest, bytes.AsSpan(MarkBytes))))
            throw new WireFormatException($"'{manifest}' frame without the cluster's mark; give all nodes the same secret");
        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(MarkBytes));
        if (length is 0 or > LongestName || length > bytes.Length - MarkBytes - sizeof(ushort)) throw new WireFormatException($"'{manifest}' frame without a sender");
        var name = Encoding.UTF8.GetString(bytes, MarkBytes + sizeof(ushort), length);
        return new WireEnvelope(new NodeId(name), WireCodec.Decode(manifest, bytes.AsMemory(MarkBytes + sizeof(ushort) + length)));
    }

    private static WireEnvelope Envelope(object o) => o as WireEnvelope ?? throw new WireFormatException($"{o.GetType().Name} is no envelope");

    private ReadOnlySpan<byte> Mark(string manifest, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key.Span);
        hash.AppendData(Encoding.UTF8.GetBytes(manifest));
        hash.AppendData([0]);
        hash.AppendData(body);
        return hash.GetHashAndReset().AsSpan(0, MarkBytes);
    }
}
