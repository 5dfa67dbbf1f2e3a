namespace Distributed.Credit.Tests;

public sealed class IstarTests
{
    private static ScoredRollout Rollout(double outcome, params double?[] rewards) =>
        new(outcome, [.. rewards.Select(_ => 2)]) { Signals = [.. rewards.Select(reward => new TurnSignals { ProcessReward = reward })] };

    private static double[][] Advantages(IstarOptions options, params ScoredRollout[] rollouts) =>
        [.. new Istar(options).Assign([new ScoredGroup("q", [.. rollouts])]).Groups[0].Rollouts.Select(rollout => rollout.Advantages.ToArray())];

    [Fact]
    public void A_turn_has_the_outcomes_z_score_and_its_own_among_all_turns_of_the_prompt()
    {
        // Outcomes 1 and 0: z is +1 and -1. Rewards 3, 1, 2, 2: mean 2, population deviation sqrt(1/2).
        var advantages = Advantages(new IstarOptions(Alpha: 0.5), Rollout(1, 3, 1), Rollout(0, 2, 2));
        advantages[0].ShouldBe([1 + 0.5 * Math.Sqrt(2), 1 - 0.5 * Math.Sqrt(2)], 1e-12);
        advantages[1].ShouldBe([-1, -1], 1e-12);
    }

    [Fact]
    public void Without_division_by_the_deviation_differences_stay_as_they_are() =>
        Advantages(new IstarOptions(DivideByStd: false), Rollout(1, 3, 1), Rollout(0, 2)).SelectMany(a => a).ShouldBe([1.5, -0.5, -0.5], 1e-12);

    [Fact]
    public void A_rollout_without_a_reward_of_every_turn_counts_by_its_outcome_alone()
    {
        var advantages = Advantages(new IstarOptions(), Rollout(1, 3, null), Rollout(0, 1, 2), Rollout(0, 9, double.NaN), new ScoredRollout(1, [4]));
        advantages[0].ShouldBe([1, 1], 1e-12);
        advantages[1].ShouldBe([-1 - 1, -1 + 1], 1e-12);
        advantages[2].ShouldBe([-1, -1], 1e-12);
        advantages[3].ShouldBe([1], 1e-12);
    }

    [Fact]
    public void Equal_rewards_add_exactly_nothing() =>
        Advantages(new IstarOptions(), Rollout(1, 0.1, 0.1), Rollout(0, 0.1)).SelectMany(a => a).ShouldBe([1.0, 1, -1]);

    [Fact]
    public void Numbers_too_large_to_compare_and_options_out_of_range_are_refused()
    {
        Should.Throw<CreditException>(() => Advantages(new IstarOptions(), Rollout(1, 1e200))).Message.ShouldBe("group 'q', rollout 0 has a process reward beyond 1e100; rewards of that size cannot be compared, scale them down");
        Should.Throw<CreditException>(() => new Istar(new IstarOptions(Alpha: double.NaN))).Message.ShouldContain("alpha");
    }
}
