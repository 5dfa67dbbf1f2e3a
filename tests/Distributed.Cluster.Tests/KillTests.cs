using System.Collections.Concurrent;
using Distributed.Node.Runs;

namespace Distributed.Cluster.Tests;

/// <summary>Real processes, killed.</summary>
[Collection("processes")] // one cluster at a time
public sealed class KillTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static TheoryData<string> Fabrics => TinyRun.Fabrics;

    [Theory]
    [MemberData(nameof(Fabrics))]
    public async Task Whichever_process_is_killed_the_weights_come_out_as_if_none_had_been(string fabric)
    {
        using var run = new TinyRun(steps: 8);
        var alone = run.RunAlone();
        var said = new ConcurrentQueue<string>();
        var (cluster, folder) = run.Cluster("killed", fabric, notice: said.Enqueue);
        using (cluster)
        {
            var over = cluster.RunAsync(CancellationToken.None);
            foreach (var (step, node) in new[] { (1, cluster.Workers[0]), (3, cluster.Learner), (5, cluster.Workers[2]) })
            {
                await TinyRun.UntilStep(folder, step, over).WaitAsync(Limit);
                node.Kill();
            }

            (await over.WaitAsync(Limit)).ShouldBe(0, TinyRun.Logs(folder));
            cluster.Learner.Starts.ShouldBe(2, TinyRun.Logs(folder));
            cluster.Nodes.ShouldAllBe(node => node.Pid == null);
        }

        run.FinalWeights(folder).ShouldBe(run.FinalWeights(alone), TinyRun.Logs(folder));
        var proof = LedgerProof.Of(folder);
        proof.Faults.ShouldBeEmpty();
        proof.Lines[1].ShouldBe(LedgerProof.Of(alone).Lines[1]);
        said.ShouldContain(line => line.Contains("learner was ended by signal 9", StringComparison.Ordinal));
    }
}
