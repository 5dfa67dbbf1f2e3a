using Distributed.Node.Comparison;

namespace Distributed.Node.Tests.Comparison;

public sealed class StatisticsTests
{
    [Fact]
    public void A_bootstrap_interval_holds_the_mean_is_repeatable_and_narrows_with_more_values()
    {
        double[] few = [0.1, 0.4, 0.2, 0.9, 0.5], many = [.. Enumerable.Repeat(few, 8).SelectMany(values => values)];
        var interval = Interval.Of(few);
        interval.Mean.ShouldBe(0.42, 1e-12);
        interval.ShouldBe(Interval.Of(few));
        interval.Low.ShouldBeInRange(0.15, 0.24); // 2.5 % of the 5^5 equally likely resamples have a mean of at most 0.2
        interval.High.ShouldBeInRange(0.62, 0.70);
        (Interval.Of(many).High - Interval.Of(many).Low).ShouldBeLessThan((interval.High - interval.Low) / 2);
    }

    [Fact]
    public void A_single_seed_has_no_interval() => Interval.Of([0.3]).ShouldBe(new Interval(0.3, 0.3, 0.3, 1));

    [Theory]
    [InlineData(new[] { 1.0, 2, 3, 4, 5 }, 2.0 / 32)]
    [InlineData(new[] { 1.0, -1 }, 1.0)]
    [InlineData(new[] { 3.0, -1, 2 }, 4.0 / 8)] // sums of size 4 or more: +-(3-1+2), +-(3+1+2)
    [InlineData(new[] { 0.0, 0 }, 1.0)]
    [InlineData(new double[0], 1.0)]
    public void The_sign_flip_test_counts_the_patterns_that_reach_as_far(double[] differences, double p) => SignFlipTest.P(differences).ShouldBe(p, 1e-12);

    [Fact]
    public void With_many_pairs_the_drawn_patterns_agree_with_the_normal_approximation()
    {
        double[] differences = [.. Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? 1.4 : -1)]; // mean 0.2, z = 8 / sqrt(20 * 1.96 + 20) = 1.04
        SignFlipTest.P(differences).ShouldBe(0.30, 0.05);
    }

    [Fact]
    public void Five_pairs_can_show_no_less_than_a_sixteenth() => SignFlipTest.Smallest(5).ShouldBe(0.0625);

    [Theory]
    [InlineData(1, 0.1, 0.2)]
    [InlineData(-1, -0.1, -0.2)]
    [InlineData(0, 0.1, -0.2)]
    [InlineData(0, 0.1, 0.0)]
    [InlineData(0, 0.1)]
    public void Seeds_agree_if_at_least_two_of_them_say_the_same(int agreed, params double[] differences) =>
        Difference.Of(differences)!.Agreed.ShouldBe(agreed);
}
