using System.CommandLine;
using System.Globalization;
using Distributed.Node.Checkpoints;
using Distributed.Node.Composition;
using Distributed.Node.Recipes;
using Distributed.Node.Reports;
using Distributed.Node.Runs;
using Distributed.Node.Terminal;

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
        var command = new Command("train", "Run a recipe; live progress, and a run folder with metrics, trajectories, checkpoints and report.") { recipe, set, seed, threads, engine, device, output, resume };
        command.SetAction((parsed, cancel) => Task.FromResult(Run(
            parsed.GetValue(recipe), 
            [.. Overrides(parsed.GetValue(set), parsed.GetValue(seed), parsed.GetValue(threads)), .. EngineOverrides.Of(parsed.GetValue(engine), parsed.GetValue(device))],
            parsed.GetValue(output), parsed.GetValue(resume), cancel)));
        return command;
    }

    private static int Run(string? path, IReadOnlyList<string> overrides, string? output, string? resume, CancellationToken cancel)
    {
        if (resume != null)
        {
            if (path != null || overrides.Count > 0 || output != null)
                throw new RefusedException("--resume goes on with a run as it was begun; leave recipe, --set, --seed, --threads, --engine, --device and --out away, or begin a new run");
            return Resume(resume, cancel);
        }

        var recipe = RecipeFile.ReadTraining(path ?? DefaultRecipe(), overrides);
        var text = RecipeFile.Write(recipe);
        using var folder = RunFolder.Create(recipe.Name, text, output, DateOnly.FromDateTime(DateTime.Now));
        return Run(recipe, text, folder, resume: false, secondsBefore: 0, cancel);
    }

    private static int Resume(string run, CancellationToken cancel)
    {
        RunFolder.CheckIsRun(run);
        var recipe = RecipeFile.ReadTraining(RunFolder.RecipeOf(run), []);
        var model = ModelSource.Of(recipe);
        var newest = CheckpointFolder.LoadNewest(RunFolder.CheckpointsOf(run), model.Files, line => Console.Error.WriteLine($"distributed: {line}"));
        if (newest?.Version >= recipe.Steps)
        {
            Console.WriteLine($"{run}: has done all of its {recipe.Steps} steps; nothing is left to do");
            return 0;
        }

        using var folder = RunFolder.Resume(run, newest == null ? -1 : checked((int)newest.Version));
        var logged = MetricsLog.Read(RunFolder.MetricsOf(run));
        var seconds = newest == null || logged.Count == 0 ? 0 : logged[^1].Seconds;
        Console.WriteLine(newest == null
            ? $"{run}: has no checkpoint yet; beginning again"
            : string.Create(CultureInfo.InvariantCulture, $"{run}: going on from step {newest.Version}"));
        return Run(recipe, File.ReadAllText(RunFolder.RecipeOf(run)), folder, resume: newest != null, seconds, cancel);
    }

    private static int Run(Recipe recipe, string text, RunFolder folder, bool resume, double secondsBefore, CancellationToken cancel)
    {
        TrainingResult result;
        using (var display = RunDisplays.Create(RunTitle.Of(recipe, folder.Path)))
        using (cancel.Register(() => display.Notice("stopping after this step; Ctrl-C again ends at once")))
            result = TrainingRun.Run(new TrainingInputs(recipe, text, folder, resume, secondsBefore, display), cancel);
        var report = ReportPage.Write(folder.Path);
        var totals = result.Ended.Totals;
        var dropped = totals.Dropped.Count == 0 ? "0" : $"{totals.Dropped.Values.Sum()} ({string.Join(", ", totals.Dropped.Select(reason => $"{reason.Value} {reason.Key}"))})";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"rollouts: {totals.Planned} planned = {totals.Trained} trained + {dropped} dropped + {result.Ended.Open} open"));
        Console.WriteLine($"final weights: sha256 {result.WeightsHash}");
        Console.WriteLine(result.Stopped
            ? $"stopped at step {result.Ended.Version.Value}; go on with: ./distributed train --resume {folder.Path}"
            : $"report: {report}");
        return 0;
    }

    private static string[] Overrides(string[]? set, long? seed, int? threads)
    {
        List<string> overrides = [.. set ?? []];
        if (seed is { } value) overrides.Add(string.Create(CultureInfo.InvariantCulture, $"seed={value}"));
        if (threads is { } count)
            overrides.AddRange(new[] { "rollout", "scorer", "learner" }.Select(role => string.Create(CultureInfo.InvariantCulture, $"cluster.{role}_threads={count}")));
        return [.. overrides];
    }

    /// <summary>The default recipe: that of the program's own folder if the current one has none.</summary>
    internal static string DefaultRecipe()
    {
        const string Recipe = "recipes/search-qa.yaml";
        var home = Environment.GetEnvironmentVariable("DISTRIBUTED_HOME");
        return File.Exists(Recipe) || home == null ? Recipe : Path.Combine(home, Recipe);
    }
}
