using System.Collections.Concurrent;
using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Node.Composition;
using Distributed.Node.Recipes;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Node.Tests.Composition;

/// <summary>A real, small model as the process reward model.</summary>
public sealed class ImplicitRewardLearningTests : IDisposable
{
    private const string Smallest = """
        model: {shape: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, intermediate_size: 16}}
        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_turn_in_which_good_and_bad_rollouts_differ_gets_the_reward()
    {
        File.WriteAllText(folder["recipe.yaml"], Smallest);
        using var parts = RunParts.Create(RecipeFile.ReadTraining(folder["recipe.yaml"], []));
        var engine = parts.Learner;

        // All begin alike; what they do in the second turn decides.
        ScoredTrajectory[] rollouts = [Rollout(0, [7, 8], 1), Rollout(1, [9, 10], 0), Rollout(2, [7, 8], 1)];
        var sampled = Wait<LogProbsReply>(reply => engine.LogProbs([.. rollouts.Select(rollout => SampledSequence.Of(rollout.Trajectory).Sequence)], reply)).LogProbs;
        rollouts = [.. rollouts.Select((rollout, i) => Recorded(rollout, sampled[i]))];
        var batch = new PreferenceBatch(new TrainBatch(new PolicyVersion(0), [new TrainGroup(0, rollouts)]), beta: 0.1);

        var before = batch.Loss(sampled);
        before.Loss.ShouldBe(Math.Log(2), 1e-9, "reward model and policy are the same model at first");
        batch.Rewards(sampled, before).ByTurn.SelectMany(rewards => rewards!).ShouldAllBe(reward => reward == 0);

        IReadOnlyList<ReadOnlyMemory<float>> model = sampled;
        for (var epoch = 0; epoch < 30; epoch++)
        {
            var request = batch.Step(batch.Loss(model), new OptimizerOptions(1e-2f))!;
            Wait<TrainReply>(reply => engine.Train(request, reply)).Applied.ShouldBeTrue();
            model = Wait<LogProbsReply>(reply => engine.LogProbs(batch.Sequences, reply)).LogProbs;
        }

        var after = batch.Loss(model);
        after.Loss.ShouldBeLessThan(0.5 * before.Loss);
        after.Accuracy.ShouldBe(1);
        var rewards = batch.Rewards(model, after).ByTurn;
        rewards[0]![1].ShouldBeGreaterThan(rewards[1]![1] + 0.5);
        rewards[0]![0].ShouldBe(rewards[1]![0], 1e-6, "the first turn was the same");
        rewards[2]!.ShouldBe(rewards[0]!);
    }

    private static ScoredTrajectory Rollout(int sample, int[] second, double reward) => new(
        new Trajectory(new Slot(0, sample), "p", "any", ["x"], [1, 2, 3],
            [new TurnRecord([4, 5], [0, 0], new PolicyVersion(0), [6], false), new TurnRecord(second, [0, 0], new PolicyVersion(0), [], false)], EpisodeEnd.Correct, reward), null);

    private static ScoredTrajectory Recorded(ScoredTrajectory rollout, ReadOnlyMemory<float> logProbs) => rollout with
    {
        Trajectory = rollout.Trajectory with
        {
            Turns = [.. rollout.Trajectory.Turns.Select((turn, index) => turn with { LogProbs = logProbs.Slice(2 * index, 2).ToArray() })],
        },
    };

    private static T Wait<T>(Action<Action<T>> call)
    {
        using var replies = new BlockingCollection<T>();
        call(replies.Add);
        replies.TryTake(out var reply, TimeSpan.FromSeconds(60)).ShouldBeTrue("the engine did not answer");
        return reply!;
    }
}
