using Distributed.Node.Cluster;
using Distributed.Node.Runs;

namespace Distributed.Cluster.Tests;

/// <summary>Real processes that are asked to leave.</summary>
[Collection("processes")] // one cluster at a time
public sealed class DrainTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static TheoryData<string> Fabrics => TinyRun.Fabrics;

    [Theory]
    [MemberData(nameof(Fabrics))]
    public async Task A_worker_that_gets_SIGTERM_ends_what_it_has_and_the_others_do_the_rest(string fabric)
    {
        if (OperatingSystem.IsWindows()) return; // there are no signals
        using var run = new TinyRun(steps: 4);
        var alone = run.RunAlone();
        var (cluster, folder) = run.Cluster("drained", fabric);
        using (cluster)
        {
            var over = cluster.RunAsync(CancellationToken.None);
            await TinyRun.UntilStep(folder, 1, over).WaitAsync(Limit);
            var leaving = cluster.Workers[0];
            Signals.Ask(leaving.Pid ?? throw new InvalidOperationException("the worker does not run\n" + TinyRun.Logs(folder)));
            (await over.WaitAsync(Limit)).ShouldBe(0, TinyRun.Logs(folder));
            leaving.Starts.ShouldBe(1, "it was asked to leave, and is not started again");
        }

        var said = File.ReadAllText(Path.Combine(folder, "nodes", "rollout-1.log"));
        said.ShouldContain("leaving: no more leases");
        said.ShouldContain("left as asked");
        run.FinalWeights(folder).ShouldBe(run.FinalWeights(alone), TinyRun.Logs(folder));
        LedgerProof.Of(folder).Faults.ShouldBeEmpty();
    }
}
