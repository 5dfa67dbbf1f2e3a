using Distributed.Actors.Tests.Fakes;
using Distributed.Fabric.Http;

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
        using var run = new ClusterRun { Steps = Steps, HoldAfter = 5 };
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
        using var run = new ClusterRun { Steps = Steps, HoldAfter = 5 };
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
    public async Task A_learner_that_loses_all_of_several_workers_at_once_stays_and_goes_on_with_those_that_come()
    {
        await using var cluster = new TestCluster();
        using var run = new ClusterRun { Steps = Steps, HoldAfter = 4 };
        var nodes = Start(cluster, run, "learner-1");
        await cluster.Until(() => run.Record.Steps.Count >= 2, "no step is done");
        await Task.WhenAll(cluster.Kill(nodes[1]), cluster.Kill(nodes[2]));
        run.GoOn();
        await cluster.Until(() => nodes[0].Fabric.Members.Count == 1, "the dead workers are still members");
        var (rollout, scorer) = (cluster.Add("rollout-1", "rollout"), cluster.Add("scorer-1", "scorer"));
        rollout.RunWorker(run.Rollout(rollout));
        scorer.RunWorker(run.Scorer(scorer));
        (await End(cluster, run)).ShouldBe(await Undisturbed.Value);
        run.Learners.ShouldBe(["learner-1"]);
        run.Record.Lives.ShouldBe(1);
    }

    [Fact]
    public async Task Workers_that_are_cut_off_from_every_learner_end_and_the_learner_stays()
    {
        await using var cluster = new TestCluster();
        var learner = cluster.Add("learner-1", "learner", proxied: true);
        var workers = new[] { cluster.Add("rollout-1", "rollout", proxied: true), cluster.Add("rollout-2", "rollout", proxied: true) };
        await cluster.Until(() => workers.All(worker => worker.Fabric.Members.Count == 3), "the three are no cluster");
        cluster.LinkOf(learner).Set(LinkFault.Cut);
        await cluster.Until(() => workers.All(worker => worker.System.WhenTerminated.IsCompleted), "workers without a learner go on");
        await cluster.Until(() => learner.Fabric.Members.Count == 1, "the workers are still members");
        learner.IsUp.ShouldBeTrue();
    }

    [Fact]
    public async Task A_standby_that_is_cut_off_takes_the_workers_of_its_side_and_leaves_the_other_side_its_own()
    {
        await using var cluster = new TestCluster();
        var learner = cluster.Add("learner-1", "learner", proxied: true);
        await cluster.Until(() => learner.IsUp, "the learner is no member");
        var standby = cluster.Add("learner-2", "learner", proxied: true);
        var worker = cluster.Add("rollout-1", "rollout", proxied: true);
        var chosen = new TaskCompletionSource();
        learner.StandForLearner(_ => { });
        standby.StandForLearner(_ => chosen.TrySetResult());
        await cluster.Until(() => new[] { learner, standby, worker }.All(node => node.Fabric.Members.Count == 3), "the three are no cluster");
        chosen.Task.IsCompleted.ShouldBeFalse();
        cluster.LinkOf(learner).Set(LinkFault.Cut);
        await chosen.Task.WaitAsync(TestCluster.Limit); // what keeps it from the run is the run's lock
        await cluster.Until(() => standby.Fabric.Members.Count == 2 && learner.Fabric.Members.Count == 1, "the two sides have not parted");
        (learner.IsUp, standby.IsUp, worker.IsUp).ShouldBe((true, true, true));
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
