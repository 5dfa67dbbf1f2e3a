using System.CommandLine;
using System.Globalization;
using Distributed.Node.Composition;
using Distributed.Node.Evaluation;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Node.WarmStarts;
using Distributed.Ports;

namespace Distributed.Node.Commands;

/// <summary><c>distributed sft</c>: makes a warm start from demonstrations.</summary>
internal static class SftCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Warm-start recipe, for example recipes/warm-start-search-qa.yaml." };
        var set = new Option<string[]>("--set") { Description = "Override an option: --set seed=5." };
        var output = new Option<string>("--out") { Description = "Where the model goes: a Hugging Face folder.", Required = true };
        var command = new Command("sft", "Train a small model on generated demonstrations, as a start for reinforcement learning.") { recipe, set, output };
        command.SetAction((parsed, cancel) => Task.FromResult(Run(parsed.GetValue(recipe)!, parsed.GetValue(set) ?? [], parsed.GetValue(output)!, cancel)));
        return command;
    }

    private static int Run(string path, string[] overrides, string output, CancellationToken cancel)
    {
        var recipe = RecipeFile.ReadWarmStart(path, overrides);
        var (environment, episodes) = RunParts.World(recipe.Environment, new RolloutSection());
        using var host = episodes;
        if (environment is not IDemonstrator demonstrator)
            throw new RefusedException($"{path}: the environment shows no demonstrations; it must implement IDemonstrator");
        Disk.Guard(output, () => Directory.CreateDirectory(output));
        var model = ModelSource.Of(recipe.Model, (ulong)recipe.Seed);
        var parts = new WarmStartParts(environment, demonstrator, host, model.Tokenizer, seed => model.NewUntrained(seed, recipe.Threads));
        var run = new WarmStartRun(recipe, parts, Report, Console.WriteLine, TimeProvider.System);
        var result = run.Run(cancel);
        using var engine = result.Engine;
        Refusals.Of(() =>
        {
            model.WriteModel(output, EngineCalls.ReadWeights(engine, cancel));
            return true;
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{output}: seed {result.Seed}, {result.Steps} steps, greedy held-out success {result.Summary.Total.Success:0.000}: ")
            + string.Join(", ", result.Summary.Categories.Select(category => string.Create(CultureInfo.InvariantCulture, $"{category.Category} {category.Success:0.000} ({category.ToolTurns:0.00} tool turns)"))));
        return 0;
    }

    private static void Report(StepReport report) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {report.Step,5}  {report.Seconds,6:0} s  ")
        + string.Join("  ", report.Metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.000}"))));
}
