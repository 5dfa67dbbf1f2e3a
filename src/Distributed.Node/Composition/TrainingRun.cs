using System.Security.Cryptography;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Fabric.Local;
using Distributed.Node.Checkpoints;
using Distributed.Node.Evaluation;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Ports;
using Distributed.Protocol;

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

/// <summary>Puts engines, environment, actors and run folder together and runs them to the end: the composition root of `distributed train`.</summary>
internal static class TrainingRun
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(2);

    /// <summary>Runs to the end, or until a stop is asked for and done.</summary>
    /// <exception cref="RefusedException">The run could not begin, or could not go on; one line says why.</exception>
    public static TrainingResult Run(TrainingInputs inputs, CancellationToken cancel)
    {
        var recipe = inputs.Recipe;
        using var parts = RunParts.Create(recipe, inputs.Display.Notice);
        using var checkpoints = new CheckpointFolder(inputs.Folder.CheckpointsPath, recipe.Checkpoint.Keep, parts.Model.Files);
        var baseline = inputs.Resume || !recipe.Evaluation.Untrained ? [] : Untrained(parts, recipe, cancel);

        var meter = new ActivityMeter(TimeProvider.System, [.. parts.Rollouts.Select(EngineWork.Sampling)], [.. parts.Scorers.Select(EngineWork.Scoring)], EngineWork.Training(parts.Learner));
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

        using var cluster = Start(inputs, parts, checkpoints, recorder);
        using var stop = cancel.Register(cluster.RequestStop);
        var (ended, error) = Wait(recorder, cancel);
        if (error != null) throw new RefusedException(error);
        var weights = EngineCalls.ReadWeights(parts.Learner, CancellationToken.None);
        return new TrainingResult(ended, Convert.ToHexStringLower(SHA256.HashData(weights.Span)), ended.Version.Value < recipe.Steps);
    }

    private static LocalCluster Start(TrainingInputs inputs, RunParts parts, CheckpointFolder checkpoints, RunRecorder recorder)
    {
        var (recipe, model) = (inputs.Recipe, parts.Model);
        var network = new LocalNetwork();
        var transport = new LocalWeightTransport();
        var format = parts.Environment.Format;
        var learner = new LearnerSettings
        {
            Coordinator = LearningSetup.Coordinator(recipe, parts.Environment),
            Learning = LearningSetup.Learning(recipe, model.Tokenizer, parts.Environment),
            Fabric = network.Join(LocalCluster.LearnerId),
            Engine = parts.Learner,
            Reference = parts.Reference,
            Transport = transport,
            ScoreJobs = new ScoreJobBuilder(model.Tokenizer, format.AnswerPrefix, format.AnswerSuffix, recipe.Ig.Aliases == "max"),
            Observer = recorder,
            Checkpoints = checkpoints,
            Time = TimeProvider.System,
            InitialWeights = model.Weights,
            Recipe = inputs.RecipeText,
            Resume = inputs.Resume,
        };

        var rollouts = parts.Rollouts.Select((engine, index) =>
        {
            var fabric = network.Join(new NodeId($"rollout-{index + 1}"));
            return (new RolloutSettings
            {
                Fabric = fabric,
                Learner = LocalCluster.LearnerId,
                Engine = engine,
                Tokenizer = model.Tokenizer,
                Environment = parts.Environment,
                Episodes = parts.Episodes,
                Sampling = new SamplingOptions((float)recipe.Rollout.Temperature, recipe.Rollout.TopK, (float)recipe.Rollout.TopP, (float)recipe.Rollout.MinP),
                PartialRollout = recipe.Rollout.PartialRollout,
                Capacity = recipe.Cluster.EpisodesPerNode!.Value,
                Incarnations = new IncarnationSource(1),
            }, Receiver(fabric, engine));
        }).ToArray();

        var scorers = parts.Scorers.Select((engine, index) =>
        {
            var fabric = network.Join(new NodeId($"scorer-{index + 1}"));
            return (new ScorerSettings
            {
                Fabric = fabric,
                Learner = LocalCluster.LearnerId,
                Engine = engine,
                Capacity = 64,
                Incarnations = new IncarnationSource(1),
            }, Receiver(fabric, engine));
        }).ToArray();
        return LocalCluster.Start(learner, rollouts, scorers);

        WeightReceiverSettings Receiver(IFabric fabric, IPolicyEngine engine) => new()
        {
            Fabric = fabric,
            Learner = LocalCluster.LearnerId,
            Engine = engine,
            Transport = transport,
            Notice = recorder.OnNotice,
        };
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
