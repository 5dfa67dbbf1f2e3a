using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Node.Composition;

/// <summary>A recipe as the settings of each role, wherever the role runs.</summary>
/// <param name="recipe">The effective recipe.</param>
/// <param name="tokenizer">The model's.</param>
/// <param name="environment">The world.</param>
/// <param name="learner">The learner's node.</param>
/// <param name="notice">A line for people.</param>
internal sealed class RoleSettings(Recipe recipe, ITokenizer tokenizer, IEnvironment environment, NodeId learner, Action<string> notice)
{
    private const int ScoresAtOnce = 64;

    /// <summary>Number of this process's first life of a role: later processes of the same node have higher ones.</summary>
    public long FirstIncarnation { get; init; } = 1;

    /// <summary>How versions spread over the nodes.</summary>
    public WeightSpreadOptions Spread { get; init; } = new();

    /// <summary>The learner's.</summary>
    public LearnerSettings Learner(RunContext run, IFabric fabric, IWeightTransport transport)
    {
        var format = environment.Format;
        var epochs = new EpochFile(run.Inputs.Folder.Path);
        return new LearnerSettings
        {
            Coordinator = LearningSetup.Coordinator(recipe, environment),
            Learning = LearningSetup.Learning(recipe, tokenizer, environment),
            Fabric = fabric,
            Engine = run.Parts.Learner,
            Reference = run.Parts.Reference,
            ProcessReward = run.Parts.ProcessReward,
            Transport = transport,
            Spread = Spread with { Deltas = recipe.Cluster.WeightDeltas },
            ScoreJobs = new ScoreJobBuilder(tokenizer, format.AnswerPrefix, format.AnswerSuffix, recipe.Ig.Aliases == "max"),
            Observer = run.Recorder,
            Checkpoints = run.Checkpoints,
            Time = TimeProvider.System,
            InitialWeights = run.Parts.Model.Weights,
            Recipe = run.Inputs.RecipeText,
            Resume = run.Inputs.Resume,
            Lives = new LearnerLives(epochs.Read(), epochs.Write),
        };
    }

    /// <summary>A rollout node's.</summary>
    public RolloutSettings Rollout(IFabric fabric, IPolicyEngine engine, IEpisodeHost episodes) => new()
    {
        Fabric = fabric,
        Learner = learner,
        Engine = engine,
        Tokenizer = tokenizer,
        Environment = environment,
        Episodes = episodes,
        Sampling = new SamplingOptions((float)recipe.Rollout.Temperature, recipe.Rollout.TopK, (float)recipe.Rollout.TopP, (float)recipe.Rollout.MinP),
        PartialRollout = recipe.Rollout.PartialRollout,
        Capacity = recipe.Cluster.EpisodesPerNode!.Value,
        Incarnations = new IncarnationSource(FirstIncarnation),
    };

    /// <summary>A scorer node's.</summary>
    public ScorerSettings Scorer(IFabric fabric, IPolicyEngine engine) => new()
    {
        Fabric = fabric,
        Learner = learner,
        Engine = engine,
        Capacity = ScoresAtOnce,
        Incarnations = new IncarnationSource(FirstIncarnation),
    };

    /// <summary>The weights' way into an engine.</summary>
    public WeightReceiverSettings Receiver(IFabric fabric, IPolicyEngine engine, IWeightTransport transport) => new()
    {
        Fabric = fabric,
        Learner = learner,
        Engine = engine,
        Transport = transport,
        Notice = notice,
    };
}
