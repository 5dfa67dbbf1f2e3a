using Distributed.Engine.Generation;
using Distributed.Engine.Kernels;

namespace Distributed.Engine.Tests.Generation;

public sealed class CacheFitTests
{
    [Fact]
    public void As_many_turns_go_on_together_as_the_cache_holds_beside_the_weights()
    {
        // 16 MiB, weights of 4: room for 24 turns of 128 positions of 4 KiB.
        var fit = new CacheFit(16 << 20, 4 << 20, 4 << 10, 16);
        fit.HoldsWeights.ShouldBeTrue();
        fit.Admits(24, 24 * 128).ShouldBeTrue();
        fit.Admits(25, 25 * 128).ShouldBeFalse();

        // Short ones count for less.
        fit.Admits(40, (20 * 128) + (20 * 16)).ShouldBeTrue();
    }

    [Fact]
    public void Where_too_few_would_fit_none_waits()
    {
        var fit = new CacheFit(16 << 20, 4 << 20, 4 << 10, 16);

        // Of turns of 192 positions 16 fit, of one position more 15.9.
        fit.Admits(100, 100 * 192).ShouldBeFalse();
        fit.Admits(100, 100 * 193).ShouldBeTrue();

        // Weights that do not fit themselves.
        new CacheFit(16 << 20, 20 << 20, 4 << 10, 16).Admits(1000, 1000 * 128).ShouldBeTrue();
        new CacheFit(16 << 20, 9 << 20, 4 << 10, 16).HoldsWeights.ShouldBeFalse();
    }

    [Fact]
    public void Sixteen_turns_or_fewer_never_wait_and_without_a_bound_none_does()
    {
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            var fit = new CacheFit(1 << random.Next(10, 30), 1 << random.Next(10, 30), 1 << random.Next(4, 20), 16);
            var turns = random.Next(1, 17);
            fit.Admits(turns, turns * (long)random.Next(1, 10_000)).ShouldBeTrue($"{fit} {turns}");
        }

        CacheFit.Any.Admits(int.MaxValue, long.MaxValue).ShouldBeTrue();
    }

    [Theory]
    [InlineData("512K\n", 512L << 10)]
    [InlineData("32768K", 32L << 20)]
    [InlineData("96M", 96L << 20)]
    [InlineData("1000", 1000L)]
    [InlineData("", 32L << 20)]
    [InlineData("K", 32L << 20)]
    [InlineData("0K", 32L << 20)]
    [InlineData("-1K", 32L << 20)]
    [InlineData("99999999999999999999K", 32L << 20)]
    public void The_size_of_a_cache_is_read_or_assumed(string text, long bytes)
    {
        LastLevelCache.Parse(text).ShouldBe(bytes);
        LastLevelCache.Bytes.ShouldBeInRange(1 << 10, 1L << 40);
    }
}
