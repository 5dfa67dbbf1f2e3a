namespace Distributed.Protocol.Tests;

public sealed class WireCodecTests
{
    public static TheoryData<string> Manifests => [.. WireCodec.Manifests];

    [Fact]
    public void Every_manifest_has_a_sample_and_every_message_type_a_manifest()
    {
        WireSamples.ByManifest.Keys.Order().ShouldBe(WireCodec.Manifests.Order());
        var messages = typeof(IWireMessage).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(IWireMessage)) && type is { IsAbstract: false, IsInterface: false });
        WireCodec.Manifests.Select(manifest => WireCodec.TypeOf(manifest)!).ShouldBe(messages, ignoreOrder: true);
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void The_bytes_of_a_message_never_change(string manifest)
    {
        var bytes = WireCodec.Encode(WireSamples.ByManifest[manifest]);
        WireCodec.ManifestOf(WireSamples.ByManifest[manifest]).ShouldBe(manifest);
        Convert.ToHexString(bytes).ShouldBe(Convert.ToHexString(WireSamples.Golden(manifest)), $"nodes of an older build would not understand '{manifest}'; append keys or take a new manifest");
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public void A_message_comes_back_as_it_was(string manifest)
    {
        var message = WireCodec.Decode(manifest, WireSamples.Golden(manifest));
        message.ShouldBeOfType(WireSamples.ByManifest[manifest].GetType());
        message.ShouldBeEquivalentTo(WireSamples.ByManifest[manifest]);
        WireCodec.Encode(message).ShouldBe(WireSamples.Golden(manifest));
    }

    [Fact]
    public void An_episode_of_a_build_that_recorded_one_log_probability_and_one_version_is_still_read()
    {
        var message = (RolloutCompleted)WireCodec.Decode("rc1", WireSamples.Golden("rc1-before-model-log-probs"));
        var turn = message.Trajectory.Turns[0];
        turn.ModelLogProbs.ShouldBeNull();
        turn.PolicyLogProbs.ShouldBe(turn.LogProbs);
        turn.OldestVersion.ShouldBe(turn.Version);
        WireSamples.Trajectory.Turns[0].OldestVersion.ShouldBe(new PolicyVersion(3));
        WireSamples.Trajectory.OldestVersion.ShouldBe(new PolicyVersion(3));
    }

    [Fact]
    public void Weight_messages_of_a_build_without_addresses_ranges_and_deltas_are_still_read()
    {
        var published = (PolicyPublished)WireCodec.Decode("pp1", WireSamples.Golden("pp1-before-ranges"));
        published.Manifest.ShouldBeEquivalentTo(((PolicyPublished)WireSamples.ByManifest["pp1"]).Manifest);
        (published.Address, published.Ranges, published.Delta).ShouldBe((null, null, null));
        var wanted = (PolicyWanted)WireCodec.Decode("pw1", WireSamples.Golden("pw1-before-addresses"));
        (wanted.Node, wanted.Address, wanted.Failed).ShouldBe((new NodeId("scorer-0"), null, null));
    }

    [Fact]
    public void An_unknown_manifest_is_refused_by_name() =>
        Should.Throw<WireFormatException>(() => WireCodec.Decode("zz9", WireSamples.Golden("wr1"))).Message.ShouldContain("zz9");

    [Fact]
    public void A_type_without_manifest_cannot_be_sent() =>
        Should.Throw<WireFormatException>(() => WireCodec.ManifestOf(new Stranger())).Message.ShouldContain(nameof(Stranger));

    [Fact]
    public void A_frame_over_the_limit_is_refused_before_it_is_read()
    {
        var frame = new byte[WireCodec.MaxFrameBytes + 1];
        var before = GC.GetAllocatedBytesForCurrentThread();
        Should.Throw<WireFormatException>(() => WireCodec.Decode("rc1", frame)).Message.ShouldContain("limit");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000_000);
    }

    [Fact]
    public void A_frame_with_bytes_after_its_end_is_refused() =>
        Should.Throw<WireFormatException>(() => WireCodec.Decode("wr1", (byte[])[.. WireSamples.Golden("wr1"), 0xC0])).Message.ShouldContain("after its end");

    [Theory]
    [InlineData("rc1")]
    [InlineData("pp1")]
    [InlineData("lf1")]
    public void A_frame_that_lacks_a_part_is_refused(string manifest)
    {
        // A shorter array is how a message of fewer fields looks; the missing ones would be null.
        var frame = WireSamples.Golden(manifest);
        frame[0].ShouldBeInRange((byte)0x92, (byte)0x9F);
        byte[] onlyFirst = [0x91, .. frame.AsSpan(1, 2)];
        Should.Throw<WireFormatException>(() => WireCodec.Decode(manifest, onlyFirst));
    }

    [Fact]
    public void A_nil_frame_is_refused() => Should.Throw<WireFormatException>(() => WireCodec.Decode("wr1", (byte[])[0xC0])).Message.ShouldContain("nil");

    [Fact]
    public void A_ledger_comes_back_as_it_was_and_its_bytes_never_change()
    {
        var bytes = WireCodec.EncodeLedger(WireSamples.Ledger);
        Convert.ToHexString(bytes).ShouldBe(Convert.ToHexString(WireSamples.Golden("ledger")), "older checkpoints could not be read");
        WireCodec.DecodeLedger(bytes).ShouldBeEquivalentTo(WireSamples.Ledger);
    }

    private sealed record Stranger : IWireMessage;
}
