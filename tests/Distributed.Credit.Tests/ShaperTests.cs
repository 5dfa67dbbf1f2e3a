using System.Collections.Immutable;

namespace Distributed.Credit.Tests;

public sealed class ShaperTests
{
    [Fact]
    public void Gated_gains_count_only_with_a_good_outcome()
    {
        var shaped = new Gated(new GatedOptions(1)).Shape(new("q", [new(1, [1, 1], [0.5]), new(0, [1, 1], [0.5]), new(0, [1, 1])]));
        shaped.Rollouts[0].Gains!.Value.ShouldBe([0.5]);
        shaped.Rollouts[1].Gains!.Value.ShouldBe([0]);
        shaped.Rollouts[2].Gains.ShouldBeNull();
    }

    [Fact]
    public void Min_form_leaves_only_the_smallest_gain_when_cold()
    {
        ScoredGroup group = new("q", [new(1, [1, 1, 1, 1], [0.5, -0.25, 0.75])]);
        new MinForm(new MinFormOptions(1e-3)).Shape(group).Rollouts[0].Gains!.Value.ToArray().ShouldMatch([0, -0.25, 0], "cold");
        var warm = new MinForm(new MinFormOptions(0.5)).Shape(group).Rollouts[0].Gains!.Value;
        double[] weights = [Math.Exp(-1), Math.Exp(0.5), Math.Exp(-1.5)];
        warm.ToArray().ShouldMatch([0.5 * weights[0] / weights.Sum(), -0.25 * weights[1] / weights.Sum(),
            0.75 * weights[2] / weights.Sum()], "warm");
    }

    [Fact]
    public void The_length_bonus_goes_to_correct_rollouts_under_the_target_of_their_difficulty()
    {
        var shaper = new LengthBonus(new LengthBonusOptions(Alpha: 0.5, TargetTokens: 10, EasyTargetTokens: 5, HardTargetTokens: 20));
        Outcomes(shaper, (1, 5), (1, 6)).ShouldBe([1.5, 1]);
        Outcomes(shaper, (1, 10), (0, 3)).ShouldBe([1.5, 0]);
        Outcomes(shaper, (1, 20), (0, 1), (0, 1), (0, 1)).ShouldBe([1.5, 0, 0, 0]);
        Outcomes(new LengthBonus(new LengthBonusOptions(TargetTokens: 10)), (1, 10), (1, 11)).ShouldBe([1.5, 1]);
    }

    [Fact]
    public void Grpo_lambda_charges_length_only_where_most_rollouts_are_correct()
    {
        var shaper = new GrpoLambda(new GrpoLambdaOptions(Alpha: 0.2, Lambda: 0.75));
        Outcomes(shaper, (1, 5), (0, 9)).ShouldBe([1, 0]);
        var charged = Outcomes(shaper, (1, 4), (1, 8), (1, 4), (0, 100));
        charged[0].ShouldBe(1 - 0.2 / (1 + Math.Exp(1 / Math.Sqrt(2))), 1e-12);
        charged[1].ShouldBe(1 - 0.2 / (1 + Math.Exp(-Math.Sqrt(2))), 1e-12);
        charged[3].ShouldBe(0);
        Outcomes(shaper, (1, 7), (1, 7)).ShouldBe([0.9, 0.9]);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(10, 1)]
    [InlineData(55, 0.5)]
    [InlineData(100, 0)]
    [InlineData(101, 0)]
    [InlineData(null, 0)]
    public void The_rank_incentive_falls_in_two_pieces(int? rank, double expected)
    {
        var rollout = new ScoredRollout(0, [1, 1], [0.25]) { Signals = [new() { RetrievalRank = rank }, TurnSignals.None] };
        var shaped = new RankIncentive(new RankIncentiveOptions()).Shape(new("q", [rollout])).Rollouts[0];
        shaped.Gains!.Value[0].ShouldBe(0.25 + expected, 1e-12);
        shaped.Outcome.ShouldBe(0);
        new RankIncentive(new RankIncentiveOptions(Into: ShapedReward.Outcome)).Shape(new("q", [rollout])).Rollouts[0].Outcome
            .ShouldBe(expected, 1e-12);
    }

    [Fact]
    public void A_bonus_stands_in_for_gains_only_where_the_whole_group_has_none()
    {
        var shaper = new RankIncentive(new RankIncentiveOptions());
        ImmutableArray<TurnSignals> signals = [new() { RetrievalRank = 1 }, TurnSignals.None];
        var without = new ScoredRollout(0, [1, 1]) { Signals = signals };
        var with = new ScoredRollout(0, [1, 1], [0.5]) { Signals = signals };
        shaper.Shape(new("q", [without])).Rollouts[0].Gains!.Value.ShouldBe([2]);
        var mixed = shaper.Shape(new("q", [without, with]));
        mixed.Rollouts[0].Gains.ShouldBeNull();
        mixed.Rollouts[1].Gains!.Value.ShouldBe([2.5]);
    }

    [Fact]
    public void Tool_calls_are_graded_by_name_arguments_and_values()
    {
        var expected = Call("search", ("query", "Lyon"), ("k", "3"));
        ToolFormat.Reward(new(true, [expected], [expected])).ShouldBe(4);
        ToolFormat.Reward(new(false, [], [expected])).ShouldBe(-3);
        ToolFormat.Reward(new(true, [], [])).ShouldBe(4);

        // name right, one of two argument names, its value wrong: (1 + 1/2 + 0) of (1 + 1 + 2)
        ToolFormat.Reward(new(true, [Call("search", ("query", "Paris"))], [expected])).ShouldBe(1 + 6 * 1.5 / 4 - 3, 1e-12);
    }

    [Fact]
    public void Calls_are_paired_so_that_they_score_best()
    {
        var (a, b) = (Call("search", ("query", "a")), Call("search", ("query", "b")));
        ToolFormat.Reward(new(true, [b, a], [a, b])).ShouldBe(4);

        // Taking each expected call's own best would give the first one the call that the second needs: names 1, pairs 1 + 3, of 1 + 2 + 3.
        ToolCall[] expected = [Call("search", ("query", "a")), Call("search", ("query", "a"), ("k", "3"))];
        ToolFormat.Reward(new(true, [Call("search", ("query", "a"), ("k", "3")), Call("search", ("query", "b"))], expected))
            .ShouldBe(1 + 6 * 5.0 / 6 - 3, 1e-12);
    }

    [Fact]
    public void Par_bounds_the_outcome_around_its_reference()
    {
        Outcomes(new Par(new ParOptions()), (3, 1), (1, 1)).ShouldBe([1 / (1 + Math.Exp(-1)), 1 / (1 + Math.Exp(1))]);
        Outcomes(new Par(new ParOptions(Reference: 0)), (1e6, 1)).ShouldBe([1]);
    }

    [Fact]
    public void Shapers_are_applied_in_their_order_and_named()
    {
        ScoredGroup group = new("q", [new(1, [1, 1], [0.5]), new(0, [1, 1], [0.1])]);
        var estimator = new ShapedEstimator(new TurnPeer(new TurnPeerOptions()),
            [new Gated(new GatedOptions()), new Par(new ParOptions())]);
        estimator.Name.ShouldBe("gated > par > turn-peer");
        var expected = new TurnPeer(new TurnPeerOptions()).Assign([new Par(new ParOptions()).Shape(new Gated(new GatedOptions()).Shape(group))]);
        estimator.Assign([group]).Groups[0].Rollouts[0].Advantages.ShouldBe(expected.Groups[0].Rollouts[0].Advantages);
    }

    private static double[] Outcomes(IRewardShaper shaper, params (double Outcome, int Tokens)[] rollouts) =>
        [.. shaper.Shape(new("q", [.. rollouts.Select(r => new ScoredRollout(r.Outcome, [r.Tokens]))])).Rollouts.Select(r => r.Outcome)];

    private static ToolCall Call(string tool, params (string Name, string Value)[] arguments) =>
        new(tool, arguments.ToDictionary(a => a.Name, a => a.Value));
}
