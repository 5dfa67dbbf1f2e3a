using System.Security.Cryptography;
using Distributed.Engine.Hosting;
using Distributed.Node.Checkpoints;
using Distributed.Node.Cluster;
using Distributed.Node.Commands;
using Distributed.Node.Composition;
using Distributed.Node.Runs;

namespace Distributed.Cluster.Tests;

/// <summary>A run small enough that a whole cluster of processes does it in seconds, and that learns something nevertheless.</summary>
internal sealed class TinyRun : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("distributed-cluster-tests-");

    public TinyRun(int steps, string more = "")
    {
        Steps = steps;
        Recipe = System.IO.Path.Combine(_folder.FullName, "tiny.yaml");
        File.WriteAllText(Recipe, $$"""
            steps: {{steps}}
            prompts_per_step: 4
            group_size: 4
            model: {{System.IO.Path.Combine(Root, "recipes", "warm-start", "search-qa")}}
            algorithm: {name: a2tgpo, ig_std_floor: 0.1}
            environment: {name: search-world, level: 1, reward_malformed: 0, reward_turns_exhausted: 0, reward_truncated: 0}
            optimizer: {lr: 1e-3, warmup_steps: 0, max_grad_norm: 0}
            evaluation: {every_steps: 0, questions: 4, untrained: false}
            checkpoint: {every_steps: 1, keep: 4}
            report: {groups_per_step: 1}
            cluster: {learner_threads: 1, rollout_threads: 1, scorer_threads: 1}
            {{more}}
            """);
    }

    public int Steps { get; }

    public string Recipe { get; }

    private static string Root { get; } = FindRoot();

    public string this[string name] => System.IO.Path.Combine(_folder.FullName, name);

    /// <summary>Does the run in this process, one node of each role.</summary>
    public string RunAlone()
    {
        CommandLine.Run(["train", Recipe, "--out", this["alone"]], CancellationToken.None).ShouldBe(0);
        return this["alone"];
    }

    /// <summary>The fabrics this build has.</summary>
    public static TheoryData<string> Fabrics => AkkaFabric.IsBuilt ? ["http", "akka"] : ["http"];

    /// <summary>A cluster of processes for the run, not started.</summary>
    public (ProcessCluster Cluster, string Run) Cluster(string name, string fabric = "http", Func<ClusterPlan, ClusterPlan>? change = null, Action<string>? notice = null)
    {
        var run = TrainingSession.Begin(Recipe, new NodeCounts(2, 1).Overrides(fabric), this[name], null).Prepare();
        var plan = new ClusterPlan { Run = run, Fabric = fabric, Rollouts = 2, Scorers = 1, LogLearner = true };
        return (new ProcessCluster(change?.Invoke(plan) ?? plan, NodeProgram.This(), notice ?? (_ => { })), run);
    }

    /// <summary>SHA-256 of the weights of a run's last checkpoint.</summary>
    public string FinalWeights(string run)
    {
        var (version, path) = CheckpointDirectory.List(RunFolder.CheckpointsOf(run))[0];
        version.ShouldBe(Steps);
        return Convert.ToHexString(SHA256.HashData(ModelFiles.Read(CheckpointDirectory.ModelOf(path)).Weights));
    }

    /// <summary>Completes when a run has logged a step.</summary>
    public static async Task UntilStep(string run, int step, Task over)
    {
        while (!over.IsCompleted)
        {
            // Counted rather than parsed: the writer may be in the middle of a line.
            if (File.Exists(RunFolder.LedgerOf(run)) && ReadShared(RunFolder.LedgerOf(run)).Count(letter => letter == '\n') >= step) return;
            await Task.Delay(20);
        }
    }

    /// <summary>What the nodes of a run said, for a failed test.</summary>
    public static string Logs(string run) => string.Join('\n', Directory.EnumerateFiles(System.IO.Path.Combine(run, "nodes")).SelectMany(path => new[] { $"== {path}" }.Concat(File.ReadLines(path).TakeLast(15))));

    public void Dispose() => _folder.Delete(recursive: true);

    private static string ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Distributed.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("the tests must run inside the repository");
    }
}
