using System.Globalization;
using Distributed.Node.Evaluation;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Ports;

namespace Distributed.Node.WarmStarts;

/// <summary>
/// Supervised training on demonstrations, stage by stage, from random weights. What it ends with depends on the recipe alone: it counts
/// steps, never time.
/// </summary>
public sealed class WarmStartRun
{
    private const int LogEverySteps = 50;

    private readonly WarmStartRecipe recipe;
    private readonly WarmStartParts parts;
    private readonly Action<StepReport> report;
    private readonly Action<string> notice;
    private readonly TimeProvider time;
    private readonly long began;
    private int step;

    /// <summary>A warm start.</summary>
    /// <param name="recipe">What to learn.</param>
    /// <param name="parts">What it is made of.</param>
    /// <param name="report">Told of the loss every few steps and of every evaluation.</param>
    /// <param name="notice">Told in a line when a stage ends or the warm start begins again.</param>
    /// <param name="time">For the seconds in reports.</param>
    public WarmStartRun(WarmStartRecipe recipe, WarmStartParts parts, Action<StepReport> report, Action<string> notice, TimeProvider time)
    {
        this.recipe = recipe;
        this.parts = parts;
        this.report = report;
        this.notice = notice;
        this.time = time;
        began = time.GetTimestamp();
    }

    /// <summary>Runs until every stage has done its steps or reached its aim.</summary>
    /// <returns>The engine with the final weights (the caller's to dispose), and its greedy held-out success.</returns>
    /// <exception cref="RefusedException">No initial weights reached a stage's aim, or something failed.</exception>
    public WarmStartResult Run(CancellationToken cancel)
    {
        for (var attempt = 0; attempt <= recipe.Restarts; attempt++)
        {
            var seed = (ulong)recipe.Seed + (ulong)attempt;
            var engine = parts.NewEngine(seed);
            try
            {
                step = 0;
                if (Enumerable.Range(0, recipe.Stages.Count).All(number => RunStage(engine, number, seed, cancel)))
                {
                    var summary = Summarise(engine, HeldOutEvaluator.FirstQuestions(parts.Environment, recipe.Questions), cancel);
                    Report(summary, MetricNames.HeldOut);
                    var result = new WarmStartResult(engine, seed, step, summary);
                    engine = null;
                    return result;
                }
            }
            finally
            {
                engine?.Dispose();
            }
            if (attempt < recipe.Restarts)
            {
                notice(string.Create(CultureInfo.InvariantCulture, $"beginning again from the initial weights of seed {seed + 1}"));
            }
        }
        throw new RefusedException($"none of {recipe.Restarts + 1} initial weights reached its aim; raise the stage's steps, lower its aim, or try another seed");
    }

    // False if the stage did not reach its aim.
    private bool RunStage(IPolicyEngine engine, int number, ulong seed, CancellationToken cancel)
    {
        var stage = recipe.Stages[number];
        var mix = new DemonstrationMix(parts.Demonstrator, stage, (ulong)recipe.Seed, number);
        var aim = stage.Until is { } until ? HeldOutEvaluator.FirstQuestions(parts.Environment, until.Category, until.Questions) : null;
        EngineCalls.ResetOptimizer(engine, cancel);
        var losses = new List<double>();
        for (var i = 0; i < stage.Steps; i++)
        {
            cancel.ThrowIfCancellationRequested();
            losses.Add(Train(engine, stage, mix, i, cancel));
            step++;
            if (losses.Count == LogEverySteps || i + 1 == stage.Steps)
            {
                Report(new Dictionary<string, double> { [MetricNames.Loss] = losses.Average(), ["stage"] = number + 1, ["seed"] = seed });
                losses.Clear();
            }
            if (aim is not null && ((i + 1) % stage.Until!.EverySteps == 0 || i + 1 == stage.Steps))
            {
                var reached = Summarise(engine, aim, cancel);
                Report(reached, "aim/success");
                if (reached.Total.Success >= stage.Until.Success)
                {
                    notice(string.Create(CultureInfo.InvariantCulture, $"stage {number + 1} reached {reached.Total.Success:0.000} on '{stage.Until.Category}' after {i + 1} steps"));
                    return true;
                }
            }
        }
        if (aim is not null)
        {
            notice(string.Create(CultureInfo.InvariantCulture, $"stage {number + 1} did not reach {stage.Until!.Success:0.000} on '{stage.Until.Category}' in {stage.Steps} steps"));
        }
        return aim is null;
    }

    private double Train(IPolicyEngine engine, StageSection stage, DemonstrationMix mix, int i, CancellationToken cancel)
    {
        var batch = mix.Batch(i).Select(demonstration => DemonstrationTokens.Of(demonstration, parts.Tokenizer)).ToArray();
        var longest = batch.Max(sequence => sequence.Tokens.Length);
        if (longest > engine.Limits.ContextLength)
        {
            throw new RefusedException($"a demonstration has {longest} tokens, the model's context {engine.Limits.ContextLength}; raise model.shape.max_position_embeddings");
        }
        var options = new OptimizerOptions((float)LearningRate.At(stage, i), WeightDecay: (float)stage.WeightDecay, MaxGradNorm: (float)stage.MaxGradNorm);
        var reply = EngineCalls.Train(engine, new TrainRequest(batch, new CrossEntropyLoss(batch.Sum(sequence => sequence.Targets.Length)), options), cancel);
        return reply.Applied
            ? reply.Loss
            : throw new RefusedException($"step {step + 1}: the loss or its gradient is not finite; lower the stage's lr");
    }

    private EvaluationSummary Summarise(IPolicyEngine engine, IReadOnlyList<Problem> questions, CancellationToken cancel) =>
        EvaluationSummary.Of(new HeldOutEvaluator(engine, parts.Tokenizer, parts.Environment, parts.Host).Ask(questions, cancel));

    private void Report(EvaluationSummary summary, string name)
    {
        var metrics = new Dictionary<string, double> { [name] = summary.Total.Success };
        foreach (var category in summary.Categories)
        {
            metrics[$"{name}/{category.Category}"] = category.Success;
            metrics[$"tool_turns/{category.Category}"] = category.ToolTurns;
        }
        Report(metrics);
    }

    private void Report(IReadOnlyDictionary<string, double> metrics) =>
        report(new StepReport(step, recipe.Stages.Sum(stage => stage.Steps), step, time.GetElapsedTime(began).TotalSeconds, metrics));
}

/// <summary>What a warm start is made of.</summary>
/// <param name="Environment">Asks and judges.</param>
/// <param name="Demonstrator">Shows.</param>
/// <param name="Host">Takes the steps.</param>
/// <param name="Tokenizer">The environment's.</param>
/// <param name="NewEngine">An engine with the random weights of a seed.</param>
public sealed record WarmStartParts(
    IEnvironment Environment,
    IDemonstrator Demonstrator,
    IEpisodeHost Host,
    ITokenizer Tokenizer,
    Func<ulong, IPolicyEngine> NewEngine);

/// <summary>What a warm start ended with.</summary>
/// <param name="Engine">Holds the final weights; the receiver disposes it.</param>
/// <param name="Seed">Of the initial weights that worked.</param>
/// <param name="Steps">Optimizer steps taken from them.</param>
/// <param name="Summary">Greedy held-out success.</param>
public sealed record WarmStartResult(IPolicyEngine Engine, ulong Seed, int Steps, EvaluationSummary Summary);
