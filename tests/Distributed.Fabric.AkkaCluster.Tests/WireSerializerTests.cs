using Akka.Actor;
using Akka.Serialization;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster.Tests;

public sealed class WireSerializerTests : IAsyncLifetime
{
    private static readonly WireEnvelope Envelope = new(new NodeId("rollout-ü"), new LeaseSettled(new LearnerEpoch(2), new LeaseId(9)));
    private readonly TestCluster _cluster = new();
    private ClusterNode _node = null!;
    private ClusterNode _stranger = null!;

    public Task InitializeAsync()
    {
        _node = _cluster.Add("rollout-1", "rollout");
        _stranger = _cluster.Add("rollout-2", "rollout", secret: "another secret altogether");
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    private static WireSerializer Of(ClusterNode node) =>
        node.System.Serialization.FindSerializerFor(Envelope).ShouldBeOfType<WireSerializer>();

    [Fact]
    public void An_envelope_comes_back_as_it_was_under_the_manifest_of_its_message()
    {
        var serializer = Of(_node);
        serializer.Identifier.ShouldBe(1001);
        serializer.Manifest(Envelope).ShouldBe("ls1");
        serializer.FromBinary(serializer.ToBinary(Envelope), "ls1").ShouldBe(Envelope);
    }

    [Fact]
    public void Every_changed_byte_is_refused_before_anything_is_decoded()
    {
        var serializer = Of(_node);
        var bytes = serializer.ToBinary(Envelope);
        for (var at = 0; at < bytes.Length; at++)
        {
            var changed = (byte[])bytes.Clone();
            changed[at] ^= 0x10;
            Should.Throw<WireFormatException>(() => serializer.FromBinary(changed, "ls1")).Message.ShouldContain("mark");
        }

        Should.Throw<WireFormatException>(() => serializer.FromBinary(bytes, "wr1")).Message.ShouldContain("mark");
        Should.Throw<WireFormatException>(() => serializer.FromBinary(bytes, "zz9")).Message.ShouldContain("unknown manifest");
        Should.Throw<WireFormatException>(() => serializer.FromBinary(bytes[..17], "ls1")).Message.ShouldContain("17 bytes");
    }

    [Fact]
    public void A_message_of_a_node_with_another_secret_is_refused() =>
        Should.Throw<WireFormatException>(() => Of(_node).FromBinary(Of(_stranger).ToBinary(Envelope), "ls1")).Message.ShouldContain("same secret");

    [Fact]
    public void Types_nobody_bound_are_neither_written_nor_read()
    {
        var system = (ExtendedActorSystem)_node.System;
        var serializer = system.Serialization.FindSerializerForType(typeof(Exception));
        serializer.ShouldBeOfType<RefusingSerializer>();
        Should.Throw<WireFormatException>(() => serializer.ToBinary(new InvalidOperationException()));
        Should.Throw<WireFormatException>(() => system.Serialization.Deserialize("{\"$type\":\"System.Exception\"}"u8.ToArray(), 1, typeof(object)));
    }

    [Fact]
    public void The_secret_is_nowhere_in_the_configuration() => _node.System.Settings.Config.ToString().ShouldNotContain("secret of all tests");
}
