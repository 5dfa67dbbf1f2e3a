using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
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
    /// <summary>Two warm starts count as equal if no category's success differs by more: about three standard deviations of 250 questions.</summary>
    private const double EqualWithin = 0.08;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Warm-start recipe, for example recipes/warm-start-search-qa.yaml." };
        var set = new Option<string[]>("--set") { Description = "Override an option: --set seed=5." };
        var output = new Option<string>("--out") { Description = "Where the model goes: a Hugging Face folder, with the effective recipe and metrics.jsonl beside it.", Required = true };
        var expect = new Option<string?>("--expect") { Description = "A model folder the new one must equal: bit for bit, or at least in what it can do." };
        var command = new Command("sft", "Train a small model on generated demonstrations, as a start for reinforcement learning.") { recipe, set, output, expect };
        command.SetAction((parsed, cancel) => Task.FromResult(Run(
            parsed.GetValue(recipe)!, parsed.GetValue(set) ?? [], parsed.GetValue(output)!, parsed.GetValue(expect), cancel)));
        return command;
    }

    private static int Run(string path, string[] overrides, string output, string? expect, CancellationToken cancel)
    {
        var recipe = RecipeFile.ReadWarmStart(path, overrides);
        var expected = expect is null ? null : ModelSource.FromFolder(expect);
        var (environment, episodes) = RunParts.World(recipe.Environment, new RolloutSection());
        using var world = environment as IDisposable;
        using var host = episodes;
        if (environment is not IDemonstrator demonstrator)
        {
            throw new RefusedException($"{path}: the environment shows no demonstrations; it must implement IDemonstrator");
        }
        var model = ModelSource.Of(recipe.Model, recipe.Environment, (ulong)recipe.Seed);
        Prepare(output, recipe);
        using var log = StepLog.Open(RunFolder.MetricsOf(output), -1);
        var parts = new WarmStartParts(environment, demonstrator, host, model.Tokenizer, seed => model.NewUntrained(seed, recipe.Threads));
        var run = new WarmStartRun(recipe, parts, report => Report(report, log), Console.WriteLine, TimeProvider.System);
        var result = run.Run(cancel);
        using var engine = result.Engine;
        var weights = EngineCalls.ReadWeights(engine, cancel);
        Disk.Guard(output, () => model.WriteModel(output, weights));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}: {result.Steps} steps from the initial weights of seed {result.Seed}; greedy success on held-out questions:"));
        Print(result.Summary);
        Console.WriteLine($"weights: sha256 {Convert.ToHexStringLower(SHA256.HashData(weights.Span))}");
        if (expected is not null)
        {
            Compare(expect!, expected, weights, result.Summary, recipe, environment, host, cancel);
        }
        return 0;
    }

    // A model is replaced only where one of its kind stands.
    private static void Prepare(string output, WarmStartRecipe recipe) => Disk.Guard(output, () =>
    {
        if (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any() && !File.Exists(RunFolder.RecipeOf(output)))
        {
            throw new RefusedException($"{output}: is not empty and holds no earlier warm start; choose another --out");
        }
        Directory.CreateDirectory(output);
        File.WriteAllText(RunFolder.RecipeOf(output), RecipeFile.Write(recipe));
    });

    private static void Compare(
        string folder, ModelSource expected, ReadOnlyMemory<byte> weights, EvaluationSummary made, WarmStartRecipe recipe, IEnvironment environment, IEpisodeHost host, CancellationToken cancel)
    {
        if (expected.Weights.Span.SequenceEqual(weights.Span))
        {
            Console.WriteLine($"equal to {folder}, bit for bit");
            return;
        }
        using var engine = expected.NewEngine(EngineChoice.Managed, recipe.Threads);
        var there = EvaluationSummary.Of(new HeldOutEvaluator(engine, expected.Tokenizer, environment, host)
            .Ask(HeldOutEvaluator.FirstQuestions(environment, recipe.Questions), cancel));
        Console.WriteLine($"not the bits of {folder}, which answers:");
        Print(there);
        if (there.Categories.Any(category => Math.Abs(category.Success - made.Categories.First(c => c.Category == category.Category).Success) > EqualWithin))
        {
            throw new RefusedException(string.Create(CultureInfo.InvariantCulture, $"{folder}: differs by more than {EqualWithin} in a category; it was not made by this recipe and program"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"equal in what it can do: no category differs by more than {EqualWithin}"));
    }

    private static void Print(EvaluationSummary summary)
    {
        foreach (var line in EvaluationText.Lines(summary))
        {
            Console.WriteLine(line);
        }
    }

    private static void Report(StepReport report, StepLog log)
    {
        log.Append(MetricsLog.Format(report));
        var metrics = string.Join("  ", report.Metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.###}")));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {report.Step,5}  {report.Seconds,6:0} s  {metrics}"));
    }
}
