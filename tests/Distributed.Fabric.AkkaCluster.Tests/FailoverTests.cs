using Distributed.Actors.Tests.Fakes;

namespace Distributed.Fabric.AkkaCluster.Tests;

/// <summary>What becomes of a run when processes die or leave.</summary>
public sealed class FailoverTests
{
    private const long Steps = 10;
    private static readonly Lazy<Task<string>> Undisturbed = new(async () =>
    {
        await using var cluster = new TestCluster();
        using var run = new ClusterRun { Steps = Steps };
        Start(cluster, run, "learner-1");
        return await End(cluster, run);
    });

    private static ClusterNode[] Start(TestCluster cluster, ClusterRun run, params string[] learners)
    {
        var nodes = new List<ClusterNode>();
        foreach (var name in learners)
        {
            var node = cluster.Add(name, "learner");
            node.StandForLearner(run.Learner(node, name));
            nodes.Add(node);
        }

        var (rollout, scorer) = (cluster.Add("rollout-1", "rollout"), cluster.Add("scorer-1", "scorer"));
        rollout.RunWorker(run.Rollout(rollout));
        scorer.RunWorker(run.Scorer(scorer));
        return [.. nodes, rollout, scorer];
    }

    private static async Task<string> End(TestCluster cluster, ClusterRun run)
    {
        await cluster.Until(() => run.Record.Ended != null, "the run does not end");
        run.Record.Error.ShouldBeNull(string.Join('\n', run.Record.Notices.Concat(cluster.Notices)));
        run.Record.Ended!.Version.Value.ShouldBe(Steps);
        run.Record.Steps.Select(step => step.Version.Value).ShouldBe(Enumerable.Range(1, (int)Steps).Select(step => (long)step));
        return HashEngine.Hash(run.Store.Kept[^1].Weights);
    }

    [Fact]
    public async Task When_the_learner_s_process_dies_the_standby_goes_on_and_the_weights_are_the_same()
    {
        await using var cluster = new TestCluster();
        using var run = new ClusterRun { Steps = Steps };
        var nodes = Start(cluster, run, "learner-1", "learner-2");
        await cluster.Until(() => run.Record.Steps.Count >= 3, "no step is done");
        run.Freeze("learner-1"); // what the dead process still does reaches nobody and nothing
        await cluster.Kill(nodes[0]);
        (await End(cluster, run)).ShouldBe(await Undisturbed.Value);
        run.Learners.ShouldBe(["learner-1", "learner-2"]);
        run.Record.Lives.ShouldBe(2);
    }

    [Fact]
    public async Task When_the_learner_leaves_in_order_the_standby_goes_on_from_its_last_step()
    {
        await using var cluster = new TestCluster();
        using var run = new ClusterRun { Steps = Steps };
        var nodes = Start(cluster, run, "learner-1", "learner-2");
        await cluster.Until(() => run.Record.Steps.Count >= 3, "no step is done");
        await cluster.Leave(nodes[0]);
        (await End(cluster, run)).ShouldBe(await Undisturbed.Value);
        run.Learners.ShouldBe(["learner-1", "learner-2"]);
    }

    [Fact]
    public async Task A_learner_that_loses_its_only_worker_stays()
    {
        await using var cluster = new TestCluster();
        var (learner, worker) = (cluster.Add("learner-1", "learner"), cluster.Add("rollout-1", "rollout"));
        await cluster.Until(() => learner.Fabric.Members.Count == 2 && worker.Fabric.Members.Count == 2, "the two are no cluster");
        await cluster.Kill(worker);
        await cluster.Until(() => learner.Fabric.Members.Count == 1, "the dead worker is still a member");
        learner.IsUp.ShouldBeTrue();
    }

    [Fact]
    public async Task A_learner_that_loses_all_of_several_workers_at_once_ends_and_the_next_one_goes_on()
    {
        using var run = new ClusterRun { Steps = Steps };
        await using (var cluster = new TestCluster())
        {
            var nodes = Start(cluster, run, "learner-1");
            await cluster.Until(() => run.Record.Steps.Count >= 2, "no step is done");
            await Task.WhenAll(cluster.Kill(nodes[1]), cluster.Kill(nodes[2]));
            await cluster.Until(() => nodes[0].System.WhenTerminated.IsCompleted, "the learner goes on alone");
        }

        await using var next = new TestCluster();
        Start(next, run, "learner-1");
        (await End(next, run)).ShouldBe(await Undisturbed.Value);
    }

    [Fact]
    public async Task A_worker_that_leaves_in_order_hands_back_what_it_has()
    {
        await using var cluster = new TestCluster();
        using var run = new ClusterRun { Steps = Steps };
        var nodes = Start(cluster, run, "learner-1");
        var other = cluster.Add("rollout-2", "rollout");
        other.RunWorker(run.Rollout(other));
        await cluster.Until(() => run.Record.Steps.Count >= 2, "no step is done");
        await cluster.Leave(nodes[1]);
        (await End(cluster, run)).ShouldBe(await Undisturbed.Value);
    }
}
