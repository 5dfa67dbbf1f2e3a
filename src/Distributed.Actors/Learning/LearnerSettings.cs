using Distributed.Actors.Coordination;
using Distributed.Actors.Ports;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Credit;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>What the learner's node needs.</summary>
public sealed record LearnerSettings
{
    /// <summary>Admission, leases, steps.</summary>
    public required CoordinatorOptions Coordinator { get; init; }

    /// <summary>Credit, loss and optimizer.</summary>
    public required LearningOptions Learning { get; init; }

    /// <summary>The way to other nodes.</summary>
    public required IFabric Fabric { get; init; }

    /// <summary>Trains.</summary>
    public required IPolicyEngine Engine { get; init; }

    /// <summary>Holds the policy the run began with, for the distance <see cref="PolicyLossOptions.KlCoef"/> weighs; null if that is 0.</summary>
    public IPolicyEngine? Reference { get; init; }

    /// <summary>Holds the process reward model that <see cref="LearningOptions.ProcessReward"/> asks for; null without one.</summary>
    public IPolicyEngine? ProcessReward { get; init; }

    /// <summary>The weights' way.</summary>
    public required IWeightTransport Transport { get; init; }

    /// <summary>How versions spread over the nodes.</summary>
    public WeightSpreadOptions Spread { get; init; } = new();

    /// <summary>Builds score jobs.</summary>
    public required ScoreJobBuilder ScoreJobs { get; init; }

    /// <summary>Watches.</summary>
    public required IRunObserver Observer { get; init; }

    /// <summary>Keeps checkpoints.</summary>
    public required ICheckpointStore Checkpoints { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Weights a run begins with, flat float32.</summary>
    public required ReadOnlyMemory<byte> InitialWeights { get; init; }

    /// <summary>The effective recipe, kept in every checkpoint.</summary>
    public required string Recipe { get; init; }

    /// <summary>Begin from the newest checkpoint if there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>How often the learner's actors may crash before the run is given up.</summary>
    public int MaxLives { get; init; } = 10;

    /// <summary>What outlives the learner's actors.</summary>
    public LearnerLives Lives { get; init; } = new();

    /// <summary>Sees messages first.</summary>
    public IMessageTap Tap { get; init; } = IMessageTap.None;

    /// <summary>The rules of a life. Only the simulator puts others here: watched ones, and ones with a planted bug.</summary>
    internal Func<LearnerLife, Ledger, CoordinatorRules> Rules { get; init; } =
        (life, ledger) => new CoordinatorRules(life.Settings.Coordinator, life.Epoch, life.Start, ledger);
}

/// <summary>How a batch becomes an update.</summary>
public sealed record LearningOptions
{
    /// <summary>The credit method.</summary>
    public required IAdvantageEstimator Estimator { get; init; }

    /// <summary>Scale of the information gain.</summary>
    public GainScale GainScale { get; init; } = GainScale.ProbDiff;

    /// <summary>Which accepted answers are scored.</summary>
    public AliasChoice Aliases { get; init; } = AliasChoice.First;

    /// <summary>A learned split of the outcome over the turns takes the place of the information gain; null: none.</summary>
    public ProgressOptions? Progress { get; init; }

    /// <summary>A second model learns to reward turns from which rollouts went better (iStar 2509.19199); null: none.</summary>
    public ProcessRewardOptions? ProcessReward { get; init; }

    /// <summary>The program a turn wrote, for rewards by likeness of code; null where it wrote none.</summary>
    public Func<Trajectory, int, string?> ProgramText { get; init; } = (_, _) => null;

    /// <summary>How well every turn of a trajectory was taken, for rewards by ranks and tool calls; null where nothing asks for it.</summary>
    public Func<Trajectory, IReadOnlyList<TurnJudgement>>? Judge { get; init; }

    /// <summary>The loss.</summary>
    public PolicyLossOptions Loss { get; init; } = new();

    /// <summary>What is left out.</summary>
    public GroupFilterOptions Filter { get; init; } = new();

    /// <summary>Correction of pi_rollout to pi_old; needs <see cref="UseRolloutLogProbs"/> off.</summary>
    public RolloutCorrectionOptions Correction { get; init; } = new();

    /// <summary>What is too far off-policy to be trained on; needs <see cref="UseRolloutLogProbs"/> off.</summary>
    public IReadOnlyList<RejectionRule> Rejection { get; init; } = [];

    /// <summary>
    /// Take the model's own log-probabilities recorded while sampling (full softmax, temperature 1) as pi_old's (two policies, verl's bypass mode)
    /// instead of computing them again before the first update of a batch (three policies).
    /// </summary>
    public bool UseRolloutLogProbs { get; init; } = true;

    /// <summary>Optimizer updates made of one batch; its rollouts are dealt out to them in order.</summary>
    public int MiniBatches { get; init; } = 1;

    /// <summary>Optimizer of the step that makes a version (1 is the first).</summary>
    public required Func<long, OptimizerOptions> Optimizer { get; init; }

    /// <summary>Steps in a row that may be skipped for a loss or gradient that is not finite, before the run is given up.</summary>
    public int MaxSkippedSteps { get; init; } = 3;

    /// <summary>Save a checkpoint every so many steps; 0 only at the end.</summary>
    public long CheckpointEverySteps { get; init; } = 25;
}

/// <summary>One life of the learner: coordinator, learner and publisher begin at one version and end together under one epoch.</summary>
public sealed record LearnerLife(LearnerSettings Settings, LearnerEpoch Epoch, PolicyVersion Start)
{
    /// <summary>The way to other nodes.</summary>
    public IFabric Fabric => Settings.Fabric;

    /// <summary>Watches.</summary>
    public IRunObserver Observer => Settings.Observer;
}
