using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Actors.Tests.Coordination;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Learning;

public sealed class PreferenceBatchTests
{
    // Two turns of two tokens each, sampled with log-probabilities -1 and -2 (Samples).
    private static ScoredTrajectory Rollout(int sample, double reward) => new(Samples.Trajectory(new Slot(0, sample), reward: reward), null);

    private static ScoredTrajectory Silent(int sample, double reward)
    {
        var rollout = Rollout(sample, reward);
        return rollout with { Trajectory = rollout.Trajectory with { Turns = [rollout.Trajectory.Turns[0] with { Tokens = [], LogProbs = [] }] } };
    }

    private static PreferenceBatch Of(params ScoredTrajectory[] rollouts) => new(new TrainBatch(new PolicyVersion(0), [new TrainGroup(0, rollouts)]), beta: 0.5);

    private static ReadOnlyMemory<float>[] Same(int rollouts) => [.. Enumerable.Repeat((ReadOnlyMemory<float>)new float[] { -1, -2, -1, -2 }, rollouts)];

    [Fact]
    public void A_step_has_the_pairs_rollouts_with_one_slope_each_for_all_their_tokens()
    {
        var batch = Of(Rollout(0, 1), Rollout(1, 0));
        var loss = batch.Loss(Same(2));
        loss.Loss.ShouldBe(Math.Log(2), 1e-12);
        var request = batch.Step(loss, new OptimizerOptions(0.1f))!;
        request.Sequences.Count.ShouldBe(2);
        var gradient = new float[4];
        request.Loss.Evaluate(0, [-1, -2, -1, -2], gradient).ShouldBe(-0.25 * -6, 1e-12);
        gradient.ShouldBe([-0.25f, -0.25f, -0.25f, -0.25f]);
        request.Loss.Evaluate(1, [-1, -2, -1, -2], gradient);
        gradient.ShouldBe([0.25f, 0.25f, 0.25f, 0.25f]);
    }

    [Fact]
    public void Equal_outcomes_teach_nothing()
    {
        var batch = Of(Rollout(0, 1), Rollout(1, 1));
        batch.Step(batch.Loss(Same(2)), new OptimizerOptions(0.1f)).ShouldBeNull();
    }

    [Fact]
    public void Every_turn_is_rewarded_by_its_own_tokens_and_a_rollout_without_any_has_no_reward()
    {
        var batch = Of(Silent(0, 1), Rollout(1, 0), Rollout(2, 1));
        batch.Sequences.Count.ShouldBe(2);
        ReadOnlyMemory<float>[] model = [new float[] { -0.5f, -1.5f, -1, -2 }, new float[] { -1, -2, -2, -4 }];
        var loss = batch.Loss(model);
        loss.Pairs.ShouldBe(1, "the rollout without tokens is in no pair");
        var rewards = batch.Rewards(model, loss);
        rewards.ByTurn[0].ShouldBeNull();
        rewards.ByTurn[1]!.ShouldBe([0.5, 0], 1e-12);
        rewards.ByTurn[2]!.ShouldBe([0, -1.5], 1e-12);
        var metrics = new Dictionary<string, double>();
        rewards.AddMetrics(metrics);
        metrics["process_reward/by_turn/1"].ShouldBe(0.25, 1e-12);
        metrics["process_reward/by_turn/2"].ShouldBe(-0.75, 1e-12);
        metrics["process_reward/accuracy"].ShouldBe(0);
    }

    [Fact]
    public void What_a_checkpoint_keeps_reads_back_and_anything_else_is_refused()
    {
        var state = new ProcessRewardState(new byte[] { 1, 2, 3, 4 }, new OptimizerState(7, new byte[] { 5, 6 }, new byte[] { 8 }));
        var again = ProcessRewardState.Decode(state.Encode());
        again.Weights.ToArray().ShouldBe([1, 2, 3, 4]);
        (again.Optimizer.Step, again.Optimizer.FirstMoment.ToArray()[1], again.Optimizer.SecondMoment.ToArray()[0]).ShouldBe((7, (byte)6, (byte)8));
        foreach (var wrong in new[] { [], new byte[40], state.Encode()[..^1], [.. state.Encode(), 0] })
            Should.Throw<InvalidOperationException>(() => ProcessRewardState.Decode(wrong)).Message.ShouldContain("resume with the options of the run");
    }
}
