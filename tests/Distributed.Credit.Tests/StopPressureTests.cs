using Distributed.Credit.Bias;

namespace Distributed.Credit.Tests;

public sealed class StopPressureTests
{
    private static RolloutCredit Credit(params double[] advantages) => new([.. advantages], [.. advantages.Select(_ => 1.0)], 0);

    [Fact]
    public void The_slope_is_the_difference_between_stopping_and_going_on_within_groups()
    {
        // Both groups: stopping at the first turn is credited 2 more than going on, at levels far apart.
        var pressure = StopPressure.Of([new("a", [Credit(3), Credit(1, 5), Credit(1, 7)]), new("b", [Credit(-8), Credit(-8), Credit(-10, 0)])]);
        pressure.Count.ShouldBe(2);
        (pressure[0].Reached, pressure[0].Stopped).ShouldBe((6, 0.5));
        pressure[0].Slope.ShouldBe(2, 1e-12);
        pressure[0].StandardError.ShouldBe(0, 1e-12);
        (pressure[1].Reached, pressure[1].Stopped, pressure[1].Slope, pressure[1].StandardError).ShouldBe((3, 1, 0, 0), "nobody went on");
    }

    [Fact]
    public void Its_error_is_that_of_a_ratio_over_groups()
    {
        // Slopes 1 and 3 with equal weights 1/2 each: mean 2, residuals -+1/2, error sqrt(1/2) / 1.
        var pressure = StopPressure.Of([new("a", [Credit(1), Credit(0, 0)]), new("b", [Credit(3), Credit(0, 0)])])[0];
        pressure.Slope.ShouldBe(2, 1e-12);
        pressure.StandardError.ShouldBe(Math.Sqrt(0.5), 1e-12);
    }

    [Fact]
    public void What_an_estimator_gives_is_what_enumeration_says_of_the_stop_decision()
    {
        // Every rollout succeeds and searching gains: igpo joint pushes to stop, a2tgpo says nothing, turn-peer pushes to search on.
        ScoredGroup group = new("q", [new(1, [1]), new(1, [1, 1], [0.3]), new(1, [1, 1, 1], [0.3, 0.1]), new(1, [1])]);
        double At(IAdvantageEstimator estimator) => StopPressure.Of(estimator.Assign([group]).Groups)[0].Slope;
        At(new Igpo(new IgpoOptions())).ShouldBeGreaterThan(0);
        At(new A2tgpo(new A2tgpoOptions())).ShouldBe(0, 1e-12);
        At(new TurnPeer(new TurnPeerOptions())).ShouldBeLessThan(0);
        At(new Rloo(new RlooOptions())).ShouldBe(0, 1e-12);
    }

    [Fact]
    public void No_groups_no_turns() => StopPressure.Of([]).ShouldBeEmpty();
}
