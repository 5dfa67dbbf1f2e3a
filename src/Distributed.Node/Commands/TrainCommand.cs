using System.CommandLine;
using System.Globalization;
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
        var output = new Option<string?>("--out") { Description = "Run folder; runs/NAME-DATE-N if left out." };
        var resume = new Option<string?>("--resume") { Description = "Go on with the run in this folder, from its newest whole checkpoint." };
        var command = new Command("train", "Run a recipe; live progress, and a run folder with metrics, trajectories, checkpoints and report.") { recipe, set, seed, threads, output, resume };
        command.SetAction((parsed, cancel) => Task.FromResult(TrainingSession
            .Begin(parsed.GetValue(recipe), Overrides(parsed.GetValue(set), parsed.GetValue(seed), parsed.GetValue(threads)), parsed.GetValue(output), parsed.GetValue(resume))
            .Run(cancel)));
        return command;
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
