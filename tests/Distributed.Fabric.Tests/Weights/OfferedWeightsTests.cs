using Distributed.Actors.Ports;
using Distributed.Fabric.Weights;
using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Weights;

public sealed class OfferedWeightsTests
{
    private readonly OfferedWeights _offered = new();

    private static WeightImage Image(long epoch, long version, long? since = null) =>
        new(new LearnerEpoch(epoch), new PolicyVersion(version), since is { } value ? new PolicyVersion(value) : null);

    [Fact]
    public void All_images_of_the_newest_two_versions_are_kept()
    {
        foreach (var image in new[] { Image(1, 1), Image(1, 2), Image(1, 2, 1), Image(1, 3), Image(1, 3, 2) }) _offered.Add(image, new byte[4]);
        _offered.Find(Image(1, 1)).ShouldBeNull();
        _offered.Find(Image(1, 2)).ShouldNotBeNull();
        _offered.Find(Image(1, 2, 1)).ShouldNotBeNull();
        _offered.Find(Image(1, 3, 2)).ShouldNotBeNull();
        _offered.Find(Image(1, 3, 1)).ShouldBeNull();
    }

    [Fact]
    public void A_later_epoch_is_newer_whatever_its_version()
    {
        foreach (var image in new[] { Image(1, 8), Image(1, 9), Image(2, 3), Image(1, 10) }) _offered.Add(image, new byte[4]);
        _offered.Find(Image(2, 3)).ShouldNotBeNull();
        _offered.Find(Image(1, 10)).ShouldNotBeNull();
        _offered.Find(Image(1, 9)).ShouldBeNull();
    }

    [Fact]
    public void An_image_offered_again_stays_as_it_was()
    {
        _offered.Add(Image(1, 1), new byte[] { 1, 2 });
        _offered.Add(Image(1, 1), new byte[] { 3 });
        _offered.Find(Image(1, 1))!.Value.ToArray().ShouldBe([1, 2]);
    }

    [Theory]
    [InlineData(0, 4, null)]
    [InlineData(4, 0, null)]
    [InlineData(0, 5, "range 0+5 lies outside 4 bytes")]
    [InlineData(-1, 2, "range -1+2 lies outside 4 bytes")]
    [InlineData(0, -1, "range 0+-1 lies outside 4 bytes")]
    public void A_range_is_read_or_refused_with_the_reason(long offset, int length, string? expected)
    {
        _offered.Add(Image(1, 1), new byte[4]);
        _offered.TryRead(Image(1, 1), offset, length, out _, out var error);
        error.ShouldBe(expected);
        _offered.TryRead(Image(1, 2, 1), 0, 1, out _, out error).ShouldBeFalse();
        error.ShouldBe("what changed from version 1 to 2 of epoch 1 is not kept (any more)");
    }
}
