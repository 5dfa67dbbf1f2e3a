using System.Collections.Concurrent;
using Distributed.Node.Chaos;
using Distributed.Node.Cluster;
using Distributed.Node.Composition;

namespace Distributed.Cluster.Tests;

/// <summary>A short chaos run; `distributed chaos` does long ones.</summary>
[Collection("processes")] // one cluster at a time
public sealed class ChaosTests
{
    public static TheoryData<string> Fabrics => TinyRun.Fabrics;

    [Theory]
    [MemberData(nameof(Fabrics))]
    public async Task A_cluster_under_faults_loses_nothing_trains_nothing_twice_and_learns_the_same(string fabric)
    {
        using var run = new TinyRun(steps: 100_000);
        var said = new ConcurrentQueue<string>();
        using var chaos = new ChaosRun(
            new ChaosInputs
            {
                Session = TrainingSession.Begin(run.Recipe, new NodeCounts(2, 1).Overrides(fabric), run["chaos"], null),
                Nodes = new NodeCounts(2, 1),
                Fabric = fabric,
                Seed = 3,
                Length = TimeSpan.FromSeconds(6),
                MeanGap = TimeSpan.FromSeconds(1.2),
                Compare = true,
            }, said.Enqueue);
        var faults = await chaos.RunAsync(CancellationToken.None);
        faults.ShouldBeEmpty(string.Join('\n', said) + '\n' + TinyRun.Logs(run["chaos"]));
        said.ShouldContain(line => line.StartsWith("the weights are the same", StringComparison.Ordinal), string.Join('\n', said));
    }

    [Fact]
    public void A_plan_is_its_seed_and_nothing_else()
    {
        string[] workers = ["rollout-1", "rollout-2", "scorer-1"];
        var plan = ChaosPlan.Draw(9, 600, 5, workers);
        plan.ShouldBe(ChaosPlan.Draw(9, 600, 5, workers));
        plan.ShouldNotBe(ChaosPlan.Draw(10, 600, 5, workers));
        plan.Count.ShouldBeInRange(80, 160);
        plan.Select(fault => fault.AtSeconds).ShouldBeInOrder();
        plan.Select(fault => fault.Kind).Distinct().Count().ShouldBe(Enum.GetValues<ChaosKind>().Length, "every kind comes up");
        plan.Select(fault => fault.Node).Distinct().Order(StringComparer.Ordinal).ShouldBe(["learner", "rollout-1", "rollout-2", "scorer-1"]);
        plan.Where(fault => fault.Kind == ChaosKind.DiskFull).ShouldAllBe(fault => fault.Node == "learner");
    }
}
