namespace Distributed.Credit.Tests;

public sealed class GroupTests
{
    [Fact]
    public void A_rollout_whose_gains_are_not_all_finite_is_credited_by_its_outcome_alone_and_counted()
    {
        ScoredGroup group = new("q", [new(1, [1, 1, 1], [0.5, double.NaN]), new(0, [1, 1], [0.25]), new(0, [1])]);
        var credit = new A2tgpo(new A2tgpoOptions()).Assign([group]);
        credit.RolloutsWithoutGain.ShouldBe(1);
        var rollout = credit.Groups[0].Rollouts[0];
        rollout.Advantages.ShouldBe([rollout.OutcomeScore, rollout.OutcomeScore, rollout.OutcomeScore]);
        rollout.ClipScales.ShouldBe([1, 1, 1]);
        rollout.NormalizedGains.ShouldBeNull();
    }

    [Fact]
    public void Wrong_groups_are_refused_with_their_place_and_the_mend()
    {
        Refusal(new("q", [])).ShouldBe("group 'q' has no rollouts; leave empty groups out of the batch");
        Refusal(new("q", [new(0, [1]), new(double.NaN, [1])]))
            .ShouldBe("group 'q', rollout 1 has outcome NaN; an outcome reward must be a finite number");
        Refusal(new("q", [new(0, [])])).ShouldBe("group 'q', rollout 0 has no turns; a rollout has at least its final turn");
        Refusal(new("q", [new(0, [1, 1], [1, 2])]))
            .ShouldBe("group 'q', rollout 0 has 2 gains for 1 tool turns; give one for each turn but the last, or null");
        Refusal(new("q", [new(0, [1, -1])])).ShouldContain("a turn of -1 tokens");
        Refusal(new("q", [new(0, [1, 1]) { Signals = [TurnSignals.None] }])).ShouldContain("signals for 1 of 2 turns");
        Refusal(new("q", [new(1e200, [1])])).ShouldContain("scale them down");

        static string Refusal(ScoredGroup group) => Should.Throw<CreditException>(() => new Grpo(new GrpoOptions()).Assign([group]))
            .Message;
    }

    [Fact]
    public void Metrics_describe_the_batch()
    {
        ScoredGroup[] batch =
        [
            new("q", [new(1, [1, 1, 1], [0.5, 0.25]), new(1, [1])]),
            new("p", [new(1, [1, 1], [0.75]), new(0, [1, 1])]),
        ];
        var metrics = GroupMetrics.Of(batch);
        metrics.AdvantageCollapse.ShouldBe(0.5);
        metrics.OutcomeMean.ShouldBe(0.75);
        metrics.TurnsMean.ShouldBe(2);
        metrics.TurnsMax.ShouldBe(3);
        metrics.GainMean.ShouldBe(0.5);
        metrics.GainByTurn.ShouldBe([0.625, 0.25]);
        metrics.RolloutsWithoutGain.ShouldBe(1);
        GroupMetrics.Of([]).AdvantageCollapse.ShouldBe(0);
    }

    [Fact]
    public void Flat_groups_are_dropped_and_flat_rollouts_skipped_each_counted()
    {
        var credit = new BatchCredit(
            [
                new GroupCredit("flat", [new([0, 0], [1, 1], 0), new([0.01, 0], [1, 1], 0)]),
                new GroupCredit("steep", [new([0, 0.5], [1, 1], 0), new([0, 0.01], [1, 1], 0)]),
            ],
            0);
        var filtered = GroupFilter.Apply(credit, new GroupFilterOptions(FilterGroups: true, SkipBelow: 0.02));
        filtered.Rows.Select(row => (row.Group, row.Rollout)).ShouldBe([(1, 0)]);
        filtered.GroupsDropped.ShouldBe(1);
        filtered.RolloutsSkipped.ShouldBe(1);
        GroupFilter.Apply(credit, new GroupFilterOptions()).RolloutsSkipped.ShouldBe(1);
        GroupFilter.Apply(credit, new GroupFilterOptions(SkipBelow: -1)).Rows.Length.ShouldBe(4);
    }
}
