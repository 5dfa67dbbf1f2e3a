using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Distributed.Fabric.Http;
using Distributed.Fabric.Tests.Contract;
using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Http;

/// <summary>What strangers can do to a learner's port: nothing but be counted.</summary>
public sealed class HostileConnectionTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Garbage_on_the_port_is_refused_and_the_node_goes_on()
    {
        await using var cluster = new HttpCluster();
        var random = new Random(17);
        for (var round = 0; round < 40; round++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, cluster.Endpoint.Address.Port);
            var bytes = new byte[random.Next(1, 4000)];
            random.NextBytes(bytes);
            if (round % 3 == 0) Encoding.ASCII.GetBytes("GET /fabric HTTP/1.1\r\n").CopyTo(bytes, 0);
            try
            {
                await client.GetStream().WriteAsync(bytes);
            }
            catch (IOException)
            {
                // Hung up on already.
            }
        }

        await StillWorks(cluster);
    }

    [Fact]
    public async Task Random_messages_in_place_of_a_hello_are_refused_and_counted()
    {
        await using var cluster = new HttpCluster();
        var random = new Random(3);
        for (var round = 0; round < 30; round++)
        {
            using var socket = await Open(cluster);
            var bytes = new byte[random.Next(0, 900)];
            random.NextBytes(bytes);
            if (round % 2 == 0) Encoding.ASCII.GetBytes("dstrbtd1").AsSpan(0, Math.Min(8, bytes.Length)).CopyTo(bytes);
            await socket.SendAsync(bytes, round % 5 == 0 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, true, default);
            (await Answer(socket)).ShouldBeNull($"round {round}");
        }

        await Counted(cluster, FabricCount.RefusedGarbage, 30);
        cluster.Hub.Members.ShouldBeEmpty();
        await StillWorks(cluster);
    }

    [Fact]
    public async Task Every_mutation_of_a_genuine_handshake_is_refused()
    {
        await using var cluster = new HttpCluster();
        var random = new Random(5);
        for (var round = 0; round < 30; round++)
        {
            using var socket = await Open(cluster);
            var hello = new Hello(new NodeId("stranger"), Instance.New(), 1, "", "").Write(new byte[Hello.NonceBytes]);
            await socket.SendAsync(hello, WebSocketMessageType.Binary, true, default);
            var challenge = (await Answer(socket)).ShouldNotBeNull();
            var proof = cluster.Security.Secret.Key("join", [.. hello, .. challenge]);
            switch (round % 3)
            {
                case 0: proof[random.Next(proof.Length)] ^= (byte)(1 << random.Next(8)); break;
                case 1: proof = proof[..random.Next(proof.Length)]; break;
                default: proof = cluster.Security.Secret.Key("join", [.. hello, .. challenge, 0]); break;
            }

            await socket.SendAsync(proof, WebSocketMessageType.Binary, true, default);
            (await Answer(socket)).ShouldBeNull();
        }

        await Counted(cluster, FabricCount.RefusedSecret, 30);
        cluster.Learner.Told.ShouldBeEmpty();
        await StillWorks(cluster);
    }

    [Fact]
    public async Task A_proof_that_was_overheard_is_of_no_use_again()
    {
        await using var cluster = new HttpCluster();
        var hello = new Hello(new NodeId("stranger"), Instance.New(), 1, "", "").Write(new byte[Hello.NonceBytes]);
        byte[] proof;
        using (var first = await Open(cluster))
        {
            await first.SendAsync(hello, WebSocketMessageType.Binary, true, default);
            proof = cluster.Security.Secret.Key("join", [.. hello, .. (await Answer(first)).ShouldNotBeNull()]);
            await first.SendAsync(proof, WebSocketMessageType.Binary, true, default);
            (await Answer(first)).ShouldNotBeNull("the first time it is genuine");
        }

        using var second = await Open(cluster);
        await second.SendAsync(hello, WebSocketMessageType.Binary, true, default);
        (await Answer(second)).ShouldNotBeNull();
        await second.SendAsync(proof, WebSocketMessageType.Binary, true, default);
        (await Answer(second)).ShouldBeNull();
    }

    [Fact]
    public async Task Half_open_handshakes_end_by_themselves_and_are_bounded_in_number()
    {
        await using var cluster = new HttpCluster(HttpCluster.Options with { MostHandshakes = 4, HandshakeTimeout = TimeSpan.FromSeconds(1) });
        var idle = new List<ClientWebSocket>();
        for (var index = 0; index < 4; index++) idle.Add(await Open(cluster));
        await cluster.Learner.Until(() => cluster.Hub.Counters[FabricCount.RefusedFull] > 0 || Refused(cluster), "the fifth is refused");
        await cluster.Learner.Until(() => cluster.Hub.Counters[FabricCount.RefusedLate] == 4, "the four are ended");
        foreach (var socket in idle) socket.Dispose();
        await StillWorks(cluster);

        static bool Refused(HttpCluster cluster)
        {
            try
            {
                Open(cluster).GetAwaiter().GetResult().Dispose();
                return false;
            }
            catch (WebSocketException)
            {
                return true;
            }
        }
    }

    [Fact]
    public async Task An_oversized_frame_ends_the_connection_before_it_is_read_to_its_end()
    {
        var options = HttpCluster.Options with { MaxFrameBytes = 10_000, DeadAfter = Limit };
        await using var cluster = new HttpCluster(options);
        using var socket = await Open(cluster);
        await Handshake.JoinAsync(socket, new Hello(new NodeId("big"), Instance.New(), 1, "", ""), cluster.Security.Secret, default);
        await cluster.Learner.Until(() => cluster.Hub.Members.Count == 1, "it is in");
        var chunk = new byte[64 * 1024];
        var sent = 0L;
        try
        {
            for (; sent < 1L << 30; sent += chunk.Length) await socket.SendAsync(chunk, WebSocketMessageType.Binary, endOfMessage: false, default).WaitAsync(Limit);
        }
        catch (Exception error) when (error is WebSocketException or IOException)
        {
            // Hung up on.
        }

        sent.ShouldBeLessThan(64L << 20);
        await cluster.Learner.Until(() => cluster.Hub.Counters[FabricCount.ConnectionsBroken] == 1, "it is counted");
        await StillWorks(cluster);
    }

    [Fact]
    public async Task Genuine_frames_with_nonsense_in_them_are_dropped_and_counted()
    {
        await using var cluster = new HttpCluster(HttpCluster.Options with { DeadAfter = Limit });
        using var socket = await Open(cluster);
        var session = await Handshake.JoinAsync(socket, new Hello(new NodeId("odd"), Instance.New(), 1, "", ""), cluster.Security.Secret, default);
        var random = new Random(11);
        for (var number = 0; number < 60; number++)
        {
            var payload = new byte[random.Next(0, 300)];
            random.NextBytes(payload);
            var frame = Frame.Of(number % 2 == 0 ? "wr1" : "zz9", payload);
            if (number % 3 == 0) frame[1] = (byte)random.Next(256);
            if (number % 7 == 0) frame[0] = (byte)random.Next(4, 256);
            Frame.Mark(frame, session.SendKey, number);
            await socket.SendAsync(frame, WebSocketMessageType.Binary, true, default);
        }

        await cluster.Learner.Until(() => cluster.Hub.Counters[FabricCount.DroppedUnreadable] == 60, "all are counted");
        cluster.Hub.Members.ShouldHaveSingleItem().IsConnected.ShouldBeTrue("the connection itself is sound");
        cluster.Learner.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_frame_sent_again_ends_the_connection()
    {
        await using var cluster = new HttpCluster(HttpCluster.Options with { DeadAfter = Limit });
        using var socket = await Open(cluster);
        var session = await Handshake.JoinAsync(socket, new Hello(new NodeId("echo"), Instance.New(), 1, "", ""), cluster.Security.Secret, default);
        var frame = Frame.Of("pw1", WireCodec.Encode(ContractNode.Number(1)));
        Frame.Mark(frame, session.SendKey, 0);
        await socket.SendAsync(frame, WebSocketMessageType.Binary, true, default);
        await socket.SendAsync(frame, WebSocketMessageType.Binary, true, default);
        await cluster.Learner.Until(() => cluster.Hub.Counters[FabricCount.ConnectionsBroken] == 1, "it is noticed");

        // The learner hears of the first by itself, perhaps later than the connection ends.
        await cluster.Learner.Until(() => cluster.Learner.Numbers.Count > 0, "the first is heard");
        await StillWorks(cluster);
        cluster.Learner.Numbers.ShouldBe([1, 99]);
    }

    [Fact]
    public async Task Requests_without_a_signature_get_an_empty_answer()
    {
        await using var cluster = new HttpCluster();
        using var client = new HttpClient { BaseAddress = cluster.Endpoint.Address };
        foreach (var path in new[] { "/", "/setup", "/cluster", "/weights/1/1", "/fabric/", "//fabric", "/fabric/../setup", "/nowhere" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Endpoint.Address.ToString().TrimEnd('/') + path));
            request.Headers.Authorization = path.Length % 2 == 0 ? new AuthenticationHeaderValue("Distributed", "1:00") : null;
            using var response = await client.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, path);
            (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
        }

        await Counted(cluster, FabricCount.RefusedRequest, 8);
        (await client.GetAsync("/fabric")).StatusCode.ShouldBe(HttpStatusCode.BadRequest, "no WebSocket");
    }

    // The refused one hears of it before it is counted.
    private static async Task Counted(HttpCluster cluster, FabricCount what, long times)
    {
        await cluster.Learner.Until(() => cluster.Hub.Counters[what] >= times, $"{what} is {times}");
        cluster.Hub.Counters[what].ShouldBe(times);
    }

    private static async Task<ClientWebSocket> Open(HttpCluster cluster)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(cluster.Endpoint.Address) { Scheme = "ws", Path = HttpHub.Path }.Uri, default).WaitAsync(Limit);
        return socket;
    }

    // What the other end says next; null if it hangs up.
    private static async Task<byte[]?> Answer(ClientWebSocket socket)
    {
        try
        {
            var buffer = new byte[1024];
            var received = await socket.ReceiveAsync(buffer, default).WaitAsync(Limit);
            return received.MessageType == WebSocketMessageType.Binary ? buffer[..received.Count] : null;
        }
        catch (WebSocketException)
        {
            return null;
        }
    }

    private static async Task StillWorks(HttpCluster cluster)
    {
        var node = cluster.Join("honest");
        await node.Until(() => node.Membership(cluster.Learner).Count > 0, "an honest node gets in");
        node.Tell(cluster.Learner, ContractNode.Number(99));
        await cluster.Learner.Until(() => cluster.Learner.Numbers.Contains(99), "and is heard");
    }
}
