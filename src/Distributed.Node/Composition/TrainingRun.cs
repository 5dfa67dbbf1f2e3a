using System.Security.Cryptography;
using Distributed.Actors.Ports;
using Distributed.Node.Checkpoints;
using Distributed.Node.Evaluation;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Ports;

namespace Distributed.Node.Composition;

/// <summary>How a training run ended.</summary>
/// <param name="Ended">Version and accounting.</param>
/// <param name="WeightsHash">SHA-256 of the final flat weights, hexadecimal.</param>
/// <param name="Stopped">It was ended early, on request.</param>
internal sealed record TrainingResult(RunEnded Ended, string WeightsHash, bool Stopped);

/// <summary>What a training run is given.</summary>
/// <param name="Recipe">The effective recipe.</param>
/// <param name="RecipeText">The same as YAML.</param>
/// <param name="Folder">The run folder, open for writing.</param>
/// <param name="Resume">Whether to begin at its newest checkpoint.</param>
/// <param name="SecondsBefore">What earlier lives of the run took.</param>
/// <param name="Display">Shows the run.</param>
internal sealed record TrainingInputs(Recipe Recipe, string RecipeText, RunFolder Folder, bool Resume, double SecondsBefore, IRunDisplay Display);

/// <summary>What the nodes of a run are made of.</summary>
/// <param name="Inputs">What the run was given.</param>
/// <param name="Parts">Engines and world.</param>
/// <param name="Checkpoints">Keeps checkpoints.</param>
/// <param name="Recorder">Watches.</param>
internal sealed record RunContext(TrainingInputs Inputs, RunParts Parts, ICheckpointStore Checkpoints, RunRecorder Recorder);

/// <summary>The nodes of a run, wherever they are. Disposing it ends them.</summary>
internal interface IRunCluster : IDisposable
{
    /// <summary>The learner finishes its step, keeps a checkpoint and reports the end.</summary>
    void RequestStop();

    /// <summary>The run has ended as planned or as asked: the other nodes have nothing more to do. Without this word they wait for a learner to come back.</summary>
    void SayOver();
}

/// <summary>Puts engines, environment, actors and run folder together and runs them to the end: the composition root of `distributed train`.</summary>
internal static class TrainingRun
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(2);

    /// <summary>Runs to the end, or until a stop is asked for and done, with every node in this process.</summary>
    /// <exception cref="RefusedException">The run could not begin, or could not go on; one line says why.</exception>
    public static TrainingResult Run(TrainingInputs inputs, CancellationToken cancel)
    {
        using var parts = RunParts.Create(inputs.Recipe, inputs.Display.Notice);
        return Run(inputs, parts, LocalRunCluster.Start, cancel);
    }

    /// <summary>Runs to the end, or until a stop is asked for and done, on nodes that <paramref name="start"/> brings together.</summary>
    /// <exception cref="RefusedException">The run could not begin, or could not go on; one line says why.</exception>
    public static TrainingResult Run(TrainingInputs inputs, RunParts parts, Func<RunContext, IRunCluster> start, CancellationToken cancel)
    {
        var recipe = inputs.Recipe;
        using var checkpoints = new CheckpointFolder(inputs.Folder.CheckpointsPath, recipe.Checkpoint.Keep, parts.Model.Files);
        var baseline = inputs.Resume || !recipe.Evaluation.Untrained ? [] : Untrained(parts, recipe, cancel);

        var meter = new ActivityMeter(
            TimeProvider.System,
            parts.Rollouts.Count == 0 ? null : [.. parts.Rollouts.Select(EngineWork.Sampling)],
            parts.Rollouts.Count + parts.Scorers.Count == 0 ? null : [.. parts.Scorers.Select(EngineWork.Scoring)],
            EngineWork.Training(parts.Learner));
        using var recorder = new RunRecorder(new RecorderSettings
        {
            Folder = inputs.Folder,
            Display = inputs.Display,
            Tokenizer = parts.Model.Tokenizer,
            Activity = meter,
            Time = TimeProvider.System,
            TotalSteps = recipe.Steps,
            GroupsPerStep = recipe.Report.GroupsPerStep,
            SecondsBefore = inputs.SecondsBefore,
            Baseline = baseline,
        });

        using var cluster = start(new RunContext(inputs, parts, new RecordedCheckpoints(checkpoints, recorder), recorder));
        using var stop = cancel.Register(cluster.RequestStop);
        var (ended, error) = Wait(recorder, cancel);
        if (error != null) throw new RefusedException(error);
        cluster.SayOver();
        var weights = EngineCalls.ReadWeights(parts.Learner, CancellationToken.None);
        return new TrainingResult(ended, Convert.ToHexStringLower(SHA256.HashData(weights.Span)), ended.Version.Value < recipe.Steps);
    }

    private static (RunEnded Ended, string? Error) Wait(RunRecorder recorder, CancellationToken cancel)
    {
        try
        {
            recorder.Ended.Wait(cancel);
        }
        catch (OperationCanceledException)
        {
            // The learner was asked to stop: it finishes its step and keeps a checkpoint.
            if (!recorder.Ended.Wait(StopLimit, CancellationToken.None)) throw new RefusedException($"the run did not stop within {StopLimit.TotalMinutes} minutes; its newest checkpoint stands");
        }

        return recorder.Ended.Result;
    }

    // What a policy that knows nothing reaches on the same questions.
    private static Dictionary<string, double> Untrained(RunParts parts, Recipe recipe, CancellationToken cancel)
    {
        using var engine = parts.Model.NewUntrained((ulong)recipe.Seed, recipe.Cluster.LearnerThreads!.Value);
        var questions = HeldOutEvaluator.FirstQuestions(parts.Environment, (int)Math.Min(recipe.Evaluation.Questions, parts.Environment.Count(Split.HeldOut)));
        var summary = EvaluationSummary.Of(new HeldOutEvaluator(engine, parts.Model.Tokenizer, parts.Environment, parts.Episodes).Ask(questions, cancel));
        var metrics = new Dictionary<string, double> { [MetricNames.Untrained] = summary.Total.Success };
        foreach (var category in summary.Categories) metrics[MetricNames.UntrainedByCategory + category.Category] = category.Success;
        return metrics;
    }
}
