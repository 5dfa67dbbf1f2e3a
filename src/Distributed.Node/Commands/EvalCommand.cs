using System.CommandLine;
using Distributed.Node.Checkpoints;
using Distributed.Node.Composition;
using Distributed.Node.Evaluation;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Ports;

namespace Distributed.Node.Commands;

/// <summary><c>distributed eval</c>: greedy held-out success of a model folder, a checkpoint or a run's newest checkpoint.</summary>
internal static class EvalCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var what = new Argument<string>("model") { Description = "A run folder, a checkpoint, or a Hugging Face model folder." };
        var recipe = new Option<string?>("--recipe") { Description = "Whose questions to ask; the run's own, else recipes/search-qa.yaml." };
        var set = new Option<string[]>("--set") { Description = "Override an option of the recipe: --set environment.level=2." };
        var questions = new Option<int?>("--questions") { Description = "How many questions; the recipe's evaluation.questions if left out." };
        var engineName = EngineOverrides.Name();
        var device = EngineOverrides.Device();
        var show = new Option<int>("--show") { Description = "Print this many of the episodes." };
        var command = new Command("eval", "Ask held-out questions greedily and count right answers by category.") { what, recipe, set, engineName, device, questions, show };
        command.SetAction((parsed, cancel) => Task.FromResult(Run(
            parsed.GetValue(what)!, parsed.GetValue(recipe), [.. parsed.GetValue(set) ?? [], .. EngineOverrides.Of(parsed.GetValue(engineName), parsed.GetValue(device))], parsed.GetValue(questions), parsed.GetValue(show), cancel)));
        return command;
    }

    private static int Run(string what, string? recipePath, string[] overrides, int? questions, int show, CancellationToken cancel)
    {
        var folder = ModelFolderOf(what);
        var ownRecipe = File.Exists(RunFolder.RecipeOf(what)) ? RunFolder.RecipeOf(what) : null;
        var recipe = RecipeFile.ReadTraining(recipePath ?? ownRecipe ?? TrainingSession.DefaultRecipe(), overrides);
        var (environment, episodes) = RunParts.World(recipe.Environment, recipe.Rollout);
        using var world = environment as IDisposable;
        using var host = episodes;
        var model = ModelSource.FromFolder(folder);
        using var engine = model.NewEngine(EngineChoice.Of(recipe.Engine, "rollout"), Environment.ProcessorCount, line => Console.Error.WriteLine($"distributed: {line}"));
        var count = questions ?? (int)Math.Min(recipe.Evaluation.Questions, environment.Count(Split.HeldOut));
        var asked = HeldOutEvaluator.FirstQuestions(environment, count);
        var answers = new HeldOutEvaluator(engine, model.Tokenizer, environment, host).Ask(asked, cancel);
        Console.WriteLine($"{folder}: greedy success on {count} held-out questions");
        foreach (var line in answers.Take(show).SelectMany(EvaluationText.Lines).Concat(EvaluationText.Lines(EvaluationSummary.Of(answers))))
            Console.WriteLine(line);
        return 0;
    }

    // A run's newest whole checkpoint, a checkpoint's model, or the folder itself.
    private static string ModelFolderOf(string what)
    {
        if (!Directory.Exists(what)) throw new RefusedException($"{what}: there is no such folder; give a run, a checkpoint or a model folder");
        if (File.Exists(RunFolder.RecipeOf(what)))
        {
            foreach (var (_, checkpoint) in CheckpointDirectory.List(RunFolder.CheckpointsOf(what)))
            {
                try
                {
                    CheckpointDirectory.Verify(checkpoint);
                    return CheckpointDirectory.ModelOf(checkpoint);
                }
                catch (BrokenCheckpointException error)
                {
                    Console.Error.WriteLine($"distributed: {error.Message}; this checkpoint is passed over for an older one");
                }
            }

            throw new RefusedException($"{what}: has no whole checkpoint yet; let it train on with: train --resume {what}");
        }

        var model = CheckpointDirectory.ModelOf(what);
        if (!Directory.Exists(model)) return what;
        try
        {
            CheckpointDirectory.Verify(what);
            return model;
        }
        catch (BrokenCheckpointException error)
        {
            throw new RefusedException($"{error.Message}; use another checkpoint", error);
        }
    }
}
