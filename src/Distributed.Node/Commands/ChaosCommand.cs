using System.CommandLine;
using Distributed.Node.Chaos;
using Distributed.Node.Cluster;
using Distributed.Node.Composition;

namespace Distributed.Node.Commands;

/// <summary><c>distributed chaos</c>: a cluster of processes under faults, and what must hold afterwards.</summary>
internal static class ChaosCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipe = new Argument<string?>("recipe") { Description = "Recipe to run; recipes/chaos.yaml if left out.", Arity = ArgumentArity.ZeroOrOne };
        var seed = new Option<ulong>("--seed") { Description = "Faults are drawn from it.", DefaultValueFactory = _ => 1 };
        var minutes = new Option<double>("--minutes") { Description = "How long faults go on.", DefaultValueFactory = _ => 1 };
        var gap = new Option<double>("--gap") { Description = "Mean seconds between two faults.", DefaultValueFactory = _ => 5 };
        var nodes = new Option<string>("--nodes") { Description = "The cluster: rollout=2,scorer=1.", DefaultValueFactory = _ => "rollout=2,scorer=1" };
        var fabric = new Option<string>("--fabric") { Description = "How the nodes reach each other: http or akka.", DefaultValueFactory = _ => "http" };
        fabric.AcceptOnlyFromAmong("http", "akka");
        var set = new Option<string[]>("--set") { Description = "Override an option of the recipe.", AllowMultipleArgumentsPerToken = false };
        var output = new Option<string?>("--out") { Description = "Run folder; runs/NAME-DATE-N if left out." };
        var compare = new Option<bool>("--no-compare") { Description = "Do not repeat the steps undisturbed to compare the weights." };
        var command = new Command("chaos", "Run a cluster of processes on this machine, kill, freeze, cut off and corrupt its nodes by a seed, and check that nothing was lost and nothing trained twice.")
        {
            recipe, seed, minutes, gap, nodes, fabric, set, output, compare,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            if (OperatingSystem.IsWindows()) throw new RefusedException("chaos freezes processes with signals, which Windows does not have; run it on Linux or macOS");
            var counts = NodeCounts.Parse(parsed.GetValue(nodes)!);
            if (parsed.GetValue(minutes) is not (> 0 and <= 1440)) throw new RefusedException("--minutes: give more than 0 and at most 1440");
            if (parsed.GetValue(gap) is not (>= 0.1 and <= 3600)) throw new RefusedException("--gap: give from 0.1 to 3600 seconds");
            if (parsed.GetValue(fabric) == "akka" && !AkkaFabric.IsBuilt) throw AkkaFabric.LeftOut();
            var session = TrainingSession.Begin(
                parsed.GetValue(recipe) ?? TrainingSession.RecipeNamed("recipes/chaos.yaml"), [.. parsed.GetValue(set) ?? [], .. counts.Overrides(parsed.GetValue(fabric)!)], parsed.GetValue(output), null);
            using var run = new ChaosRun(
                new ChaosInputs
                {
                    Session = session,
                    Nodes = counts,
                    Fabric = parsed.GetValue(fabric)!,
                    Seed = parsed.GetValue(seed),
                    Length = TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                    MeanGap = TimeSpan.FromSeconds(parsed.GetValue(gap)),
                    Compare = !parsed.GetValue(compare),
                }, Console.WriteLine);
            var faults = await run.RunAsync(cancel).ConfigureAwait(false);
            foreach (var fault in faults) Console.Error.WriteLine($"distributed: {fault}");
            Console.WriteLine(faults.Count == 0 ? "chaos: everything holds" : $"chaos: {faults.Count} things do not hold");
            return faults.Count == 0 ? 0 : 1;
        });
        return command;
    }
}
