using Distributed.Simulation.Scaling;

namespace Distributed.Simulation.Tests.Scaling;

public sealed class ScalingRunTests
{
    private static readonly ScalingCase Small = new() { Nodes = 4, Scorers = 1, PromptsPerStep = 8, GroupSize = 4, Steps = 5 };

    [Fact]
    public void The_same_case_gives_the_same_result() => ScalingRun.Of(Small).ShouldBe(ScalingRun.Of(Small));

    [Fact]
    public void Every_step_is_done_and_a_synchronous_run_trains_on_nothing_old()
    {
        var result = ScalingRun.Of(Small);
        result.StepsDone.ShouldBe(5);
        result.StepsLost.ShouldBe(0);
        (result.StalenessMax, result.Dropped).ShouldBe((0, 0));
        result.RolloutsPerHour.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_learner_that_is_the_bottleneck_trains_as_fast_as_its_cost_says()
    {
        var costs = new CostModel { TrainTokensPerSecond = 400, LoadSeconds = 0.1, WeightBytes = 1e6 };
        var fast = ScalingRun.Of(Small with { Staleness = 2, Steps = 12, Costs = costs });
        var slow = ScalingRun.Of(Small with { Staleness = 2, Steps = 12, Costs = costs with { TrainTokensPerSecond = 200 } });
        (fast.Bottleneck, slow.Bottleneck).ShouldBe(("learner", "learner"));
        slow.LearnerBusy.ShouldBeInRange(0.9, 1.01);
        (fast.TokensPerSecond / slow.TokensPerSecond).ShouldBeInRange(1.8, 2.2);
    }

    [Fact]
    public void Asynchronous_training_is_faster_where_rollouts_and_training_take_about_as_long()
    {
        var costs = new CostModel { TrainTokensPerSecond = 1500 };
        var synchronous = ScalingRun.Of(Small with { Steps = 8, Costs = costs });
        var asynchronous = ScalingRun.Of(Small with { Steps = 8, Staleness = 2, Costs = costs });
        asynchronous.RolloutsPerHour.ShouldBeGreaterThan(1.3 * synchronous.RolloutsPerHour);
        asynchronous.StalenessMax.ShouldBeInRange(1, 2);
    }

    [Fact]
    public void In_a_star_the_learner_sends_every_version_to_every_node_and_among_peers_hardly_ever()
    {
        var star = ScalingRun.Of(Small with { Nodes = 16, Scorers = 2 });
        var copies = star.LearnerUploadBytes / star.Case.Costs.WeightBytes;
        copies.ShouldBeInRange(18, 18 * 1.25); // version 0 is sent before the first step
        var peers = ScalingRun.Of(Small with { Nodes = 16, Scorers = 2, Spread = WeightSpread.Peers });
        peers.LearnerUploadBytes.ShouldBeLessThan(star.LearnerUploadBytes / 3);
        peers.SecondsPerStep.ShouldBeLessThan(star.SecondsPerStep);
    }

    [Fact]
    public void The_protocol_among_peers_comes_near_to_an_ideal_tree()
    {
        var many = Small with { Nodes = 32, Scorers = 2, Staleness = 1 };
        var peers = ScalingRun.Of(many with { Spread = WeightSpread.Peers });
        var ideal = ScalingRun.Of(many with { Spread = WeightSpread.Ideal });
        peers.LearnerUploadBytes.ShouldBeLessThan(5 * peers.Case.Costs.WeightBytes, "the learner serves a few, not all");
        peers.SecondsPerStep.ShouldBeInRange(0.9 * ideal.SecondsPerStep, 1.5 * ideal.SecondsPerStep);
    }

    [Fact]
    public void Ages_of_what_was_trained_on_add_up()
    {
        var result = ScalingRun.Of(Small with { Steps = 8, Staleness = 2 });
        result.StalenessShares.Split(' ').Sum(share => int.Parse(share.Split(':')[1].TrimEnd('%'), System.Globalization.CultureInfo.InvariantCulture)).ShouldBeInRange(98, 102);
    }

    [Fact]
    public void A_cluster_whose_nodes_fail_comes_through_and_says_what_it_lost()
    {
        var result = ScalingRun.Of(Small with { Steps = 20, MtbfHours = 0.3, CheckpointEverySteps = 2, Costs = new CostModel { RestartSeconds = 60, CheckpointSeconds = 5 } });
        result.StepsDone.ShouldBe(20);
        result.Failures.ShouldBeGreaterThan(3);
        result.RolloutsPerHour.ShouldBeLessThan(ScalingRun.Of(Small with { Steps = 20 }).RolloutsPerHour);
    }

    [Fact]
    public void An_impossible_cost_model_is_named() => new CostModel { WeightBytes = 0 }.Fault()!.ShouldContain("weight_bytes");
}
