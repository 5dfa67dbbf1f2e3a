namespace Distributed.Protocol.Tests;

public sealed class SeedsTests
{
    // Computed apart from this code, with SplitMix64's finaliser written out in arbitrary precision.
    [Theory]
    [InlineData(0UL, "", new long[] { }, 0x6E789E6AA1B965F4UL)]
    [InlineData(1UL, "rollout", new long[] { 0, 0 }, 0x67D652652694E7A9UL)]
    [InlineData(1UL, "rollout", new long[] { 0, 1 }, 0xB7F0D2063AC4059EUL)]
    [InlineData(1UL, "rollout", new long[] { 1, 0 }, 0x25125FA3D8964BC4UL)]
    [InlineData(1UL, "evaluation", new long[] { 0, 0 }, 0x44BD3C985420F820UL)]
    [InlineData(7UL, "turn", new long[] { 3 }, 0x8A7847CB74232B5AUL)]
    [InlineData(ulong.MaxValue, "problem-order", new long[] { -1 }, 0xE239A4A4E3D52EF2UL)]
    [InlineData(42UL, "round", new long[] { 2, 123456789012 }, 0x7ECF1A3FCE1DF593UL)]
    public void A_seed_is_the_same_on_every_machine_and_in_every_build(ulong seed, string purpose, long[] indices, ulong expected) =>
        Seeds.Derive(seed, purpose, indices).ShouldBe(expected);

    [Fact]
    public void Neighbours_have_different_seeds()
    {
        var seeds = new HashSet<ulong>();
        foreach (var purpose in new[] { "rollout", "evaluation", "turn" })
            for (var group = -5; group < 200; group++)
                for (var sample = 0; sample < 16; sample++)
                    seeds.Add(Seeds.Derive(1, purpose, group, sample)).ShouldBeTrue();
        Seeds.Derive(1, "ab", 0).ShouldNotBe(Seeds.Derive(1, "a", 'b', 0));
    }
}
