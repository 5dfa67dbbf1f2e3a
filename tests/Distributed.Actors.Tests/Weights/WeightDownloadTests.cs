using Distributed.Actors.Weights;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Weights;

public sealed class WeightDownloadTests
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 44).Select(i => (byte)(i * 5))];
    private static readonly PolicyPublished Policy = new(new LearnerEpoch(2), new PolicyVersion(7), new NodeId("learner"), new WeightManifest(44, []), null,
        Manifests.Cut(Bytes, 10), new DeltaOffer(new PolicyVersion(6), Manifests.Cut(Bytes.AsSpan(0, 12), 10)));

    private static string? Give(WeightDownload download, (long Offset, int Length) range) => download.Accept(range.Offset, Bytes.AsSpan((int)range.Offset, range.Length));

    [Fact]
    public void Ranges_are_asked_for_in_order_and_never_more_at_once_than_allowed()
    {
        var download = new WeightDownload(Policy, asDelta: false);
        download.Ask(2).ShouldBe((0L, 10));
        download.Ask(2).ShouldBe((10L, 10));
        download.Ask(2).ShouldBeNull();
        Give(download, (10, 10)).ShouldBeNull();
        download.Ask(2).ShouldBe((20L, 10));
        foreach (var range in new[] { (0L, 10), (20L, 10) }) Give(download, range).ShouldBeNull();
        download.Ask(9).ShouldBe((30L, 10));
        download.Ask(9).ShouldBe((40L, 4));
        download.Ask(9).ShouldBeNull();
        download.IsComplete.ShouldBeFalse();
        Give(download, (40, 4)).ShouldBeNull();
        Give(download, (30, 10)).ShouldBeNull();
        download.IsComplete.ShouldBeTrue();
        download.Bytes.ToArray().ShouldBe(Bytes);
    }

    [Fact]
    public void After_a_break_only_what_is_not_here_is_fetched_from_the_next_source()
    {
        var download = new WeightDownload(Policy, asDelta: false);
        for (var i = 0; i < 4; i++) download.Ask(4);
        Give(download, (0, 10));
        Give(download, (20, 10));
        var elsewhere = Policy with { Source = new NodeId("rollout-1"), Address = "there" };
        var first = download;
        download = first.Continue(elsewhere, asDelta: false)!;
        download.ShouldNotBe(first, "two ranges may still be written to the former one's bytes");
        first.Target(10, 10).Span.Fill(99);
        download.Policy.ShouldBe(elsewhere);
        download.VerifiedRanges.ShouldBe(2);
        var asked = new List<long>();
        while (download.Ask(9) is var (offset, length))
        {
            asked.Add(offset);
            Give(download, (offset, length)).ShouldBeNull();
        }

        asked.ShouldBe([10, 30, 40]);
        download.IsComplete.ShouldBeTrue();
        download.Bytes.ToArray().ShouldBe(Bytes);
    }

    [Fact]
    public void With_nothing_on_its_way_the_download_itself_goes_on()
    {
        var download = new WeightDownload(Policy, asDelta: false);
        for (var i = 0; i < 2; i++) download.Ask(2);
        Give(download, (0, 10));
        download.IsAsked(10).ShouldBeTrue();
        download.Missed(10);
        download.IsAsked(10).ShouldBeFalse();
        download.Continue(Policy, asDelta: false).ShouldBe(download);
        download.Ask(1).ShouldBe((10L, 10));
    }

    [Fact]
    public void A_range_that_was_fetched_into_its_place_is_checked_there()
    {
        var download = new WeightDownload(Policy, asDelta: false);
        var (offset, length) = download.Ask(1)!.Value;
        var target = download.Target(offset, length);
        Bytes.AsSpan(0, 10).CopyTo(target.Span);
        target.Span[3]++;
        download.Accept(offset, target.Span).ShouldBe("range 0+10 has a wrong checksum");
        download.Ask(1).ShouldBe((offset, length), "it is missing again");
        target.Span[3]--;
        download.Accept(offset, target.Span).ShouldBeNull();
        download.VerifiedRanges.ShouldBe(1);
    }

    [Fact]
    public void Another_version_epoch_form_or_cut_is_another_download()
    {
        var download = new WeightDownload(Policy, asDelta: false);
        download.Continue(Policy with { Version = new PolicyVersion(8) }, false).ShouldBeNull();
        download.Continue(Policy with { Epoch = new LearnerEpoch(3) }, false).ShouldBeNull();
        download.Continue(Policy, true).ShouldBeNull();
        download.Continue(Policy with { Ranges = Manifests.Cut(Bytes, 11) }, false).ShouldBeNull();
        byte[] other = [.. Bytes];
        other[43] ^= 1;
        download.Continue(Policy with { Ranges = Manifests.Cut(other, 10) }, false).ShouldBeNull();
    }

    [Fact]
    public void A_range_with_a_wrong_checksum_length_or_place_is_refused_and_still_missing()
    {
        var download = new WeightDownload(Policy, asDelta: false);
        download.Ask(1);
        download.Accept(0, new byte[10]).ShouldBe("range 0+10 has a wrong checksum");
        download.Accept(0, Bytes.AsSpan(0, 9)).ShouldBe("a range 0+9 that was not asked for");
        download.Accept(5, Bytes.AsSpan(5, 10)).ShouldBe("a range 5+10 that was not asked for");
        download.Accept(-10, Bytes.AsSpan(0, 10)).ShouldBe("a range -10+10 that was not asked for");
        download.Accept(50, Bytes.AsSpan(0, 10)).ShouldBe("a range 50+10 that was not asked for");
        download.VerifiedRanges.ShouldBe(0);
        Give(download, (0, 10)).ShouldBeNull();
        download.Accept(0, new byte[10]).ShouldBeNull("it is here already and stays as it is");
        download.Bytes.Span[1].ShouldBe(Bytes[1]);
    }

    [Fact]
    public void A_delta_is_fetched_by_its_own_cut()
    {
        var download = new WeightDownload(Policy, asDelta: true);
        download.Image.Since.ShouldBe(new PolicyVersion(6));
        download.Ask(9).ShouldBe((0L, 10));
        download.Ask(9).ShouldBe((10L, 2));
        download.Ask(9).ShouldBeNull();
    }

    [Theory]
    [InlineData(2, 6, true)]
    [InlineData(2, 5, false)] // the chain is broken
    [InlineData(1, 6, false)] // another learner's version 6
    [InlineData(-1, -1, false)] // a late joiner
    public void A_delta_is_taken_only_from_the_very_version_it_leads_from(long epoch, long version, bool expected) =>
        WeightDownload.PrefersDelta(Policy, new LearnerEpoch(epoch), new PolicyVersion(version)).ShouldBe(expected);

    [Fact]
    public void A_delta_that_is_not_shorter_is_not_taken() =>
        WeightDownload.PrefersDelta(Policy with { Delta = Policy.Delta! with { Ranges = new ImageRanges(44, 44, [0]) } }, new LearnerEpoch(2), new PolicyVersion(6)).ShouldBeFalse();

    [Fact]
    public void An_empty_image_is_complete_at_once() =>
        new WeightDownload(Policy with { Delta = Policy.Delta! with { Ranges = new ImageRanges(0, 10, []) } }, asDelta: true).IsComplete.ShouldBeTrue();

    [Fact]
    public void A_notice_without_ranges_is_pulled_unchecked_in_ranges_of_a_megabyte()
    {
        var download = new WeightDownload(Policy with { Ranges = null, Manifest = new WeightManifest((1 << 20) + 1, []) }, asDelta: false);
        download.Ask(9).ShouldBe((0L, 1 << 20));
        download.Ask(9).ShouldBe((1L << 20, 1));
        download.Accept(1 << 20, new byte[1]).ShouldBeNull();
    }

    [Fact]
    public void A_long_image_is_cut_into_longer_ranges_so_that_its_notice_stays_short() =>
        Manifests.Cut(new byte[Manifests.MostRanges + 1], 1).RangeBytes.ShouldBe(2);
}
