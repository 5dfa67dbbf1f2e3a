using Distributed.Engine.Hosting;
using Distributed.Environments;
using Distributed.Environments.Hosting;
using Distributed.Node.Recipes;
using Distributed.Ports;

namespace Distributed.Node.Composition;

/// <summary>The engines and the world of one run.</summary>
internal sealed class RunParts : IDisposable
{
    private RunParts(ModelSource model, IEnvironment environment, IEpisodeHost episodes)
    {
        Model = model;
        Environment = environment;
        Episodes = episodes;
    }

    /// <summary>The model.</summary>
    public ModelSource Model { get; }

    /// <summary>The world.</summary>
    public IEnvironment Environment { get; }

    /// <summary>Takes its steps.</summary>
    public IEpisodeHost Episodes { get; }

    /// <summary>An engine for each rollout node.</summary>
    public IReadOnlyList<QueuedPolicyEngine> Rollouts { get; private set; } = [];

    /// <summary>An engine for each scorer node.</summary>
    public IReadOnlyList<QueuedPolicyEngine> Scorers { get; private set; } = [];

    /// <summary>The learner's engine.</summary>
    public QueuedPolicyEngine Learner { get; private set; } = null!;

    /// <summary>Holds the weights the run began with, if the loss weighs the distance to them.</summary>
    public QueuedPolicyEngine? Reference { get; private set; }

    /// <summary>Holds the process reward model of a method that has one.</summary>
    public QueuedPolicyEngine? ProcessReward { get; private set; }

    /// <summary>The parts of an effective recipe with all of its nodes in this process.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="say">Takes what a person should be told.</param>
    /// <exception cref="RefusedException">A part refused what the recipe says.</exception>
    public static RunParts Create(Recipe recipe, Action<string>? say = null) => Create(recipe, recipe.Cluster.RolloutNodes, recipe.Cluster.ScorerNodes, say);

    /// <summary>The learner's parts, and those of some of the other nodes.</summary>
    /// <exception cref="RefusedException">A part refused what the recipe says.</exception>
    public static RunParts Create(Recipe recipe, int rollouts, int scorers, Action<string>? say = null)
    {
        var (environment, episodes) = World(recipe.Environment, recipe.Rollout);
        var parts = new RunParts(ModelSource.Of(recipe), environment, episodes);
        var (cluster, engine) = (recipe.Cluster, recipe.Engine);
        var learner = EngineChoice.Of(engine, "learner");
        parts.Rollouts = [.. Enumerable.Range(0, rollouts).Select(_ => parts.Model.NewEngine(EngineChoice.Of(engine, "rollout"), cluster.RolloutThreads!.Value, say))];
        parts.Scorers = LearningSetup.NeedsScores(recipe) ? [.. Enumerable.Range(0, scorers).Select(_ => parts.Model.NewEngine(EngineChoice.Of(engine, "scorer"), cluster.ScorerThreads!.Value, say))] : [];
        parts.Learner = parts.Model.NewEngine(learner, cluster.LearnerThreads!.Value, say);
        if (recipe.Loss.KlCoef > 0) parts.Reference = parts.Model.NewEngine(learner, cluster.LearnerThreads!.Value, say);
        if (recipe.Algorithm.ProcessReward is not null) parts.ProcessReward = parts.Model.NewEngine(learner, cluster.LearnerThreads!.Value, say);
        return parts;
    }

    /// <summary>The world of a recipe and the threads its steps are taken on.</summary>
    /// <exception cref="RefusedException">The environment refused its options.</exception>
    public static (IEnvironment Environment, IEpisodeHost Episodes) World(EnvironmentSection section, RolloutSection rollout) => Refusals.Of(() =>
    {
        var environment = Load(section, rollout);
        return (environment, (IEpisodeHost)new EnvironmentHost(new EnvironmentHostOptions(environment.Format.ToolTimeoutReply)));
    });

    /// <summary>The world of a recipe, without threads for its steps.</summary>
    /// <exception cref="RefusedException">The environment refused its options.</exception>
    public static IEnvironment WorldAlone(Recipe recipe) => Refusals.Of(() => Load(recipe.Environment, recipe.Rollout));

    private static IEnvironment Load(EnvironmentSection section, RolloutSection rollout) => section.Assembly is { } assembly
        ? EnvironmentLoader.Load(assembly, section.Type!, EnvironmentOptions.Of(section, rollout))
        : EnvironmentLoader.Load(null, section.Name!, EnvironmentOptions.Of(section, rollout));

    /// <summary>Ends every engine and the environment's threads.</summary>
    public void Dispose()
    {
        foreach (var engine in Rollouts.Concat(Scorers).Append(Learner)) engine.Dispose();
        Reference?.Dispose();
        ProcessReward?.Dispose();
        Episodes.Dispose();
        (Environment as IDisposable)?.Dispose();
    }
}
