using Distributed.Actors.Tests.Fakes;

namespace Distributed.Fabric.AkkaCluster.Tests;

/// <summary>Training over real actor systems and loopback connections.</summary>
public sealed class ClusterRunTests
{
    [Fact]
    public async Task A_learner_a_rollout_node_and_a_scorer_train_over_the_cluster_to_the_end()
    {
        await using var cluster = new TestCluster();
        using var run = new ClusterRun();
        var learner = cluster.Add("learner-1", "learner");
        learner.StandForLearner(run.Learner(learner, "learner-1"));
        var rollout = cluster.Add("rollout-1", "rollout");
        rollout.RunWorker(run.Rollout(rollout));
        var scorer = cluster.Add("scorer-1", "scorer");
        scorer.RunWorker(run.Scorer(scorer));

        await cluster.Until(() => run.Record.Ended != null, "the run does not end");
        run.Record.Error.ShouldBeNull(string.Join('\n', cluster.Notices));
        run.Record.Ended!.Version.Value.ShouldBe(4);
        run.Record.Steps.Select(step => step.Version.Value).ShouldBe([1, 2, 3, 4]);
        run.Store.Kept[^1].Version.ShouldBe(4);
        HashEngine.Hash(run.Store.Kept[^1].Weights).Length.ShouldBeGreaterThan(8);
    }
}
