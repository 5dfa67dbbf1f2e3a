using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Fabric.Http;

/// <summary>What both ends know after they have proved themselves to each other.</summary>
/// <param name="Peer">The other end.</param>
/// <param name="Incarnation">Number of the member's life, as the hub counts.</param>
/// <param name="SendKey">Marks what this end sends.</param>
/// <param name="ReceiveKey">Marks what it receives.</param>
internal sealed record Session(Hello Peer, long Incarnation, byte[] SendKey, byte[] ReceiveKey);

/// <summary>
/// Challenge and response over a fresh WebSocket, both ways: hello (member), challenge (hub), proof (member), welcome with a proof of its own (hub).
/// A proof is an HMAC of everything said so far; the secret itself is never sent. The keys of the frames that follow are derived from the same.
/// </summary>
internal static class Handshake
{
    private const int LongestReply = 1024;
    private const byte Accepted = 0;
    private const byte Turned = 1;

    /// <summary>The member's end.</summary>
    /// <exception cref="HandshakeException">The hub turned this node away, or is none.</exception>
    public static async Task<Session> JoinAsync(WebSocket socket, Hello self, ClusterSecret secret, CancellationToken cancel)
    {
        var hello = self.Write(RandomNumberGenerator.GetBytes(Hello.NonceBytes));
        await Send(socket, hello, cancel).ConfigureAwait(false);
        var challenge = await Receive(socket, LongestReply, cancel).ConfigureAwait(false) ?? throw new HandshakeException(FabricCount.RefusedGarbage, "the learner's node hung up");
        byte[] said = [.. hello, .. challenge];
        await Send(socket, secret.Key("join", said), cancel).ConfigureAwait(false);
        byte[]? welcome;
        try
        {
            welcome = await Receive(socket, LongestReply, cancel).ConfigureAwait(false);
        }
        catch (WebSocketException)
        {
            welcome = null; // whoever is not believed is told nothing, not even goodbye
        }

        if (welcome is null) throw new HandshakeException(FabricCount.RefusedSecret, $"the learner's node does not believe this one; give both the same {ClusterSecret.EnvironmentVariable}");
        if (welcome.Length < 2 + HMACSHA256.HashSizeInBytes) throw new HandshakeException(FabricCount.RefusedGarbage, "an answer that is none");
        var (body, proof) = (welcome[..^HMACSHA256.HashSizeInBytes], welcome[^HMACSHA256.HashSizeInBytes..]);
        said = [.. said, .. body];
        if (!CryptographicOperations.FixedTimeEquals(proof, secret.Key("welcome", said)))
            throw new HandshakeException(FabricCount.RefusedSecret, "what answers there does not know the cluster's secret");
        if (body[0] != Accepted) throw new HandshakeException(FabricCount.RefusedName, Encoding.UTF8.GetString(body.AsSpan(1))) { IsFinal = body[0] == Turned };
        var peer = body.Length > 9 ? Hello.Read(body.AsSpan(9)) : null;
        if (peer is null) throw new HandshakeException(FabricCount.RefusedGarbage, "a welcome that is none");
        return new Session(peer, BinaryPrimitives.ReadInt64LittleEndian(body.AsSpan(1)), secret.Key("to hub", said), secret.Key("to member", said));
    }

    /// <summary>The hub's end. <paramref name="admit"/> gives the member's incarnation, or says why it may not come in.</summary>
    /// <exception cref="HandshakeException">The other end is no member; it has been told nothing.</exception>
    public static async Task<Session> AcceptAsync(WebSocket socket, Hello self, ClusterSecret secret, Func<Hello, (long Incarnation, string? Refusal)> admit, CancellationToken cancel)
    {
        var hello = await Receive(socket, Hello.LongestBytes, cancel).ConfigureAwait(false);
        if (hello is null || Hello.Read(hello) is not { } peer) throw new HandshakeException(FabricCount.RefusedGarbage, "no hello");
        var challenge = RandomNumberGenerator.GetBytes(Hello.NonceBytes);
        await Send(socket, challenge, cancel).ConfigureAwait(false);
        byte[] said = [.. hello, .. challenge];
        var proof = await Receive(socket, HMACSHA256.HashSizeInBytes, cancel).ConfigureAwait(false);
        if (proof is null || !CryptographicOperations.FixedTimeEquals(proof, secret.Key("join", said))) throw new HandshakeException(FabricCount.RefusedSecret, "no proof");

        var (incarnation, refusal) = admit(peer);
        byte[] body;
        if (refusal is null)
        {
            var number = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(number, incarnation);
            body = [Accepted, .. number, .. self.Write(RandomNumberGenerator.GetBytes(Hello.NonceBytes))];
        }
        else
        {
            body = [Turned, .. Encoding.UTF8.GetBytes(refusal)];
        }

        said = [.. said, .. body];
        await Send(socket, [.. body, .. secret.Key("welcome", said)], cancel).ConfigureAwait(false);
        return refusal is null
            ? new Session(peer, incarnation, secret.Key("to member", said), secret.Key("to hub", said))
            : throw new HandshakeException(FabricCount.RefusedName, refusal);
    }

    private static ValueTask Send(WebSocket socket, byte[] bytes, CancellationToken cancel) =>
        socket.SendAsync(bytes.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, cancel);

    // A whole binary message of at most so many bytes; null if the other end hung up or sent something else.
    private static async Task<byte[]?> Receive(WebSocket socket, int most, CancellationToken cancel)
    {
        var buffer = new byte[most + 1];
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), cancel).ConfigureAwait(false);
            length += received.Count;
            if (received.MessageType != WebSocketMessageType.Binary || length > most) return null;
            if (received.EndOfMessage) return buffer[..length];
        }
    }
}

/// <summary>A handshake that came to nothing.</summary>
internal sealed class HandshakeException(FabricCount count, string message) : Exception(message)
{
    /// <summary>What to count it as.</summary>
    public FabricCount Count { get; } = count;

    /// <summary>The hub has proved itself and does not want this node: dialling again changes nothing.</summary>
    public bool IsFinal { get; init; }
}
