using System.CommandLine;
using System.Globalization;
using Distributed.Node.Cluster;
using Distributed.Node.Composition;

namespace Distributed.Node.Commands;

/// <summary><c>distributed train</c>: runs a recipe, or goes on with a run.</summary>
internal static class TrainCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipe = new Argument<string?>("recipe") { Description = "Recipe to run; recipes/search-qa.yaml if left out.", Arity = ArgumentArity.ZeroOrOne };
        var set = new Option<string[]>("--set") { Description = "Override an option: --set algorithm=grpo --set optimizer.lr=1e-4.", AllowMultipleArgumentsPerToken = false };
        var seed = new Option<long?>("--seed") { Description = "Seed of the run; the same as --set seed=N." };
        var threads = new Option<int?>("--threads") { Description = "Threads of each engine; the same as --set cluster.learner_threads=N and so on. All cores if left out." };
        var engine = EngineOverrides.Name();
        var device = EngineOverrides.Device();
        var output = new Option<string?>("--out") { Description = "Run folder; runs/NAME-DATE-N if left out." };
        var resume = new Option<string?>("--resume") { Description = "Go on with the run in this folder, from its newest whole checkpoint." };
        var nodes = new Option<string?>("--nodes") { Description = "Start a cluster of processes on this machine: --nodes rollout=2,scorer=1. They are supervised and end with the run." };
        var fabric = new Option<string?>("--fabric") { Description = "How the processes of --nodes reach each other: akka (Akka.Cluster; the default where it is built) or http." };
        fabric.AcceptOnlyFromAmong("http", "akka");
        var command = new Command("train", "Run a recipe; live progress, and a run folder with metrics, trajectories, checkpoints and report.") { recipe, set, seed, threads, engine, device, output, resume, nodes, fabric };
        command.SetAction(async (parsed, cancel) =>
        {
            var counts = parsed.GetValue(nodes) is { } text ? NodeCounts.Parse(text) : null;
            if (counts is null && parsed.GetValue(fabric) is not null) throw new RefusedException("--fabric is for --nodes; without it everything runs in one process");
            string[] overrides = [.. Overrides(parsed.GetValue(set), parsed.GetValue(seed), parsed.GetValue(threads)), .. EngineOverrides.Of(parsed.GetValue(engine), parsed.GetValue(device))];
            var resumed = parsed.GetValue(resume);
            if (counts is not null && resumed is null) overrides = [.. overrides, .. counts.Overrides(parsed.GetValue(fabric) ?? AkkaFabric.DefaultFabric)];
            if (parsed.GetValue(fabric) == "akka" && !AkkaFabric.IsBuilt) throw AkkaFabric.LeftOut();
            var session = TrainingSession.Begin(parsed.GetValue(recipe), overrides, parsed.GetValue(output), resumed);
            return counts is null ? session.Run(cancel) : await RunNodes(session, counts, parsed.GetValue(fabric) ?? AkkaFabric.DefaultFabric, cancel).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> RunNodes(TrainingSession session, NodeCounts counts, string fabric, CancellationToken cancel)
    {
        var scorers = LearningSetup.NeedsScores(session.Recipe) ? counts.Scorers : 0;
        if (scorers < counts.Scorers) Console.Error.WriteLine($"distributed: {session.Recipe.Algorithm.Name} needs no scores; no scorer is started");
        var plan = new ClusterPlan { Run = session.Prepare(), Fabric = fabric, Rollouts = counts.Rollouts, Scorers = scorers };
        using var cluster = new ProcessCluster(plan, NodeProgram.This(), line => Console.Error.WriteLine($"distributed: {line}"));
        return await cluster.RunAsync(cancel).ConfigureAwait(false);
    }

    private static string[] Overrides(string[]? set, long? seed, int? threads)
    {
        List<string> overrides = [.. set ?? []];
        if (seed is { } value) overrides.Add(string.Create(CultureInfo.InvariantCulture, $"seed={value}"));
        if (threads is { } count)
            overrides.AddRange(new[] { "rollout", "scorer", "learner" }.Select(role => string.Create(CultureInfo.InvariantCulture, $"cluster.{role}_threads={count}")));
        return [.. overrides];
    }
}
