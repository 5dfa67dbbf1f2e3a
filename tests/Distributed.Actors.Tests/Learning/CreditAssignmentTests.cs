using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Actors.Tests.Coordination;
using Distributed.Credit;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Learning;

public sealed class CreditAssignmentTests
{
    private static LearningOptions Options { get; } = new() { Estimator = new A2tgpo(new A2tgpoOptions()), Optimizer = _ => new OptimizerOptions(1) };

    private static ScoredTrajectory Rollout(long group, int sample, double reward, int turns = 2, TurnScores? scores = null) =>
        new(Samples.Trajectory(new Slot(group, sample), turns: turns, reward: reward), scores);

    private static TrainBatch Batch(params TrainGroup[] groups) => new(new PolicyVersion(3), groups);

    [Fact]
    public void A_row_holds_every_sampled_token_as_a_target_with_its_turn_and_nothing_after_the_last()
    {
        var assigned = CreditAssignment.Assign(Batch(new TrainGroup(0, [Rollout(0, 0, 1), Rollout(0, 1, 0)])), Options);

        var row = assigned.Rows[0];
        row.Sequence.Tokens.ToArray().ShouldBe([1, 2, 3, 4, 5, 3, 4]); // prompt 1 2, turn 3 4, observation 5, turn 3 4
        row.Sequence.Targets.ToArray().ShouldBe([2, 3, 5, 6]);
        row.TurnIds.ShouldBe([0, 0, 1, 1]);
        row.RolloutLogProbs.ShouldBe([-1f, -2f, -1f, -2f]);
        row.ModelLogProbs.ShouldBe(row.RolloutLogProbs, "nothing else was recorded, so they are the same");
        row.Trajectory.Slot.ShouldBe(new Slot(0, 0));
        assigned.BatchTokens.ShouldBe(8);
        assigned.BatchSequences.ShouldBe(2);
        assigned.Unused.ShouldBeEmpty();
        row.Credit.Advantages[1].ShouldBeGreaterThan(0);
        assigned.Rows[1].Credit.Advantages[1].ShouldBe(-row.Credit.Advantages[1]);
    }

    [Fact]
    public void A_row_keeps_the_distribution_drawn_from_apart_from_the_models_own_and_staleness_counts_from_the_oldest_token()
    {
        var trajectory = Samples.Trajectory(new Slot(0, 0), turns: 1, reward: 1);
        trajectory = trajectory with
        {
            Turns = [trajectory.Turns[0] with { ModelLogProbs = [-3f, -4f], Version = new PolicyVersion(2), SampledBy = [new SampledRun(new PolicyVersion(1), 1), new SampledRun(new PolicyVersion(2), 1)] }],
        };
        var assigned = CreditAssignment.Assign(Batch(new TrainGroup(0, [new ScoredTrajectory(trajectory, null), Rollout(0, 1, 0)])), Options);
        assigned.Rows[0].RolloutLogProbs.ShouldBe([-1f, -2f]);
        assigned.Rows[0].ModelLogProbs.ShouldBe([-3f, -4f]);
        trajectory.OldestVersion.ShouldBe(new PolicyVersion(1));
    }

    [Fact]
    public void Scores_become_gains_by_turn_and_a_rollout_without_usable_scores_has_none()
    {
        var scored = new TurnScores([[Math.Log(0.25)], [Math.Log(0.75)]], new PolicyVersion(3));
        var broken = new TurnScores([[-1.0], [double.NaN]], new PolicyVersion(3));
        var empty = new TurnScores([[], []], new PolicyVersion(3));
        var assigned = CreditAssignment.Assign(Batch(new TrainGroup(0,
            [Rollout(0, 0, 1, scores: scored), Rollout(0, 1, 0, scores: broken), Rollout(0, 2, 0, scores: empty), Rollout(0, 3, 0, scores: null), Rollout(0, 4, 1, turns: 1)])), Options);
        assigned.Rollouts[0].InformationGain[0]!.Value.ShouldBe(0.5, 1e-12);
        assigned.Rollouts[0].InformationGain[1].ShouldBeNull("the final turn has none");
        for (var i = 1; i < 5; i++) assigned.Rollouts[i].InformationGain.ShouldAllBe(gain => gain == null);
        assigned.Metrics["ig/missing"].ShouldBe(3 / 5.0);
        assigned.Metrics["ig/mean"].ShouldBe(0.5, 1e-12);
        assigned.Metrics["ig/by_turn/1"].ShouldBe(0.5, 1e-12);
    }

    [Fact]
    public void A_batch_of_which_everything_was_dropped_trains_nothing()
    {
        var assigned = CreditAssignment.Assign(Batch(new TrainGroup(0, []), new TrainGroup(1, [])), Options);
        assigned.Rows.ShouldBeEmpty();
        assigned.Rollouts.ShouldBeEmpty();
        assigned.Metrics.Values.ShouldAllBe(value => double.IsFinite(value));
    }

    [Fact]
    public void A_filtered_groups_slots_are_named_and_its_tokens_not_counted()
    {
        var assigned = CreditAssignment.Assign(
            Batch(new TrainGroup(4, [Rollout(4, 0, 1), Rollout(4, 1, 1)]), new TrainGroup(5, [Rollout(5, 0, 1), Rollout(5, 1, 0)])),
            Options with { Filter = new GroupFilterOptions(FilterGroups: true) });
        assigned.Unused.Keys.ShouldBe([new Slot(4, 0), new Slot(4, 1)]);
        assigned.Unused.Values.ShouldAllBe(reason => reason == CreditAssignment.Filtered);
        assigned.Rows.Select(row => row.Trajectory.Slot.Group).Distinct().ShouldBe([5L]);
        assigned.BatchTokens.ShouldBe(8);
        assigned.BatchSequences.ShouldBe(2);
        assigned.Metrics["rollouts/filtered"].ShouldBe(2);
        assigned.Metrics["rollouts/total"].ShouldBe(4);
    }

    [Fact]
    public void Outcomes_and_staleness_are_shares_and_means_of_the_whole_batch()
    {
        var assigned = CreditAssignment.Assign(
            Batch(new TrainGroup(0, [
                new ScoredTrajectory(Samples.Trajectory(new Slot(0, 0), version: 3, turns: 1), null),
                new ScoredTrajectory(Samples.Trajectory(new Slot(0, 1), version: 1, turns: 3, reward: -1, end: EpisodeEnd.Malformed), null)])),
            Options);
        assigned.Metrics["success"].ShouldBe(0.5);
        assigned.Metrics["outcome/malformed"].ShouldBe(0.5);
        assigned.Metrics["reward/mean"].ShouldBe(0);
        assigned.Metrics["turns/mean"].ShouldBe(2);
        assigned.Metrics["staleness/mean"].ShouldBe(1);
        assigned.Metrics["staleness/max"].ShouldBe(2);
    }
}

public sealed class MiniBatchTests
{
    [Theory]
    [InlineData(1, new[] { 5 })]
    [InlineData(2, new[] { 2, 3 })]
    [InlineData(3, new[] { 1, 2, 2 })]
    [InlineData(9, new[] { 1, 1, 1, 1, 1 })]
    public void Rows_are_dealt_out_in_order_and_evenly(int parts, int[] sizes)
    {
        var (options, batch, old) = Five(parts);
        var dealt = MiniBatch.Deal(options, batch, old, null);
        dealt.Select(part => part.Rows.Count).ShouldBe(sizes);
        dealt.SelectMany(part => part.Rows).Select(row => row.Trajectory.Slot.Sample).ShouldBe([0, 1, 2, 3, 4]);
    }

    [Fact]
    public void The_parts_gradients_are_those_of_the_whole_scaled_to_their_share()
    {
        var (options, batch, old) = Five(1);
        var whole = MiniBatch.Deal(options, batch, old, null).ShouldHaveSingleItem();
        var weights = batch.Rows.Select(row => (ReadOnlyMemory<double>)Enumerable.Repeat(0.5, row.TurnIds.Length).ToArray()).ToArray();
        var halved = MiniBatch.Deal(options, batch, old, weights).ShouldHaveSingleItem();
        for (var row = 0; row < 5; row++)
        {
            float[] logProbs = [-1f, -2f, -1f, -2f], full = new float[4], half = new float[4];
            whole.Evaluate(row, logProbs, full);
            halved.Evaluate(row, logProbs, half);
            for (var i = 0; i < 4; i++) half[i].ShouldBe(full[i] / 2, 1e-7);
        }

        whole.Statistics.Tokens.ShouldBe(20);
    }

    private static (LearningOptions, AssignedBatch, IReadOnlyList<ReadOnlyMemory<float>>) Five(int parts)
    {
        var options = new LearningOptions { Estimator = new Grpo(new GrpoOptions()), Optimizer = _ => new OptimizerOptions(1), MiniBatches = parts };
        var rollouts = Enumerable.Range(0, 5).Select(sample => new ScoredTrajectory(Samples.Trajectory(new Slot(0, sample), reward: sample), null)).ToArray();
        var batch = CreditAssignment.Assign(
            new TrainBatch(new PolicyVersion(0), [new TrainGroup(0, rollouts)]), options with { Filter = new GroupFilterOptions(SkipBelow: -1) });
        return (options, batch, [.. batch.Rows.Select(row => (ReadOnlyMemory<float>)row.RolloutLogProbs)]);
    }
}
