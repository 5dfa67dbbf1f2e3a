using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Credit;
using Distributed.Ports;
using Distributed.Simulation.Network;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Runs;

/// <summary>The training that is simulated: its cluster, its recipe and its pace. All of it is in a saved plan, so that a plan is a whole run.</summary>
public sealed record TrainingShape
{
    /// <summary>Seed of the training (not of the faults).</summary>
    public ulong TrainingSeed { get; init; } = 1;

    /// <summary>Rollout nodes from the beginning.</summary>
    public int RolloutNodes { get; init; } = 2;

    /// <summary>Scorer nodes from the beginning.</summary>
    public int Scorers { get; init; } = 1;

    /// <summary>Episodes at once on a rollout node.</summary>
    public int Capacity { get; init; } = 3;

    /// <summary>Score jobs at once on a scorer.</summary>
    public int ScorerCapacity { get; init; } = 2;

    /// <summary>Learner steps.</summary>
    public long Steps { get; init; } = 6;

    /// <summary>Prompts a step.</summary>
    public int PromptsPerStep { get; init; } = 4;

    /// <summary>Samples a prompt.</summary>
    public int GroupSize { get; init; } = 4;

    /// <summary>Versions a sample may be behind; 0 is synchronous training.</summary>
    public int MaxStalenessSteps { get; init; }

    /// <summary>Weights may swap inside a turn.</summary>
    public bool PartialRollout { get; init; }

    /// <summary>Old log-probabilities are computed anew instead of taken from the rollouts.</summary>
    public bool ThreePolicies { get; init; }

    /// <summary>Optimizer updates a step.</summary>
    public int MiniBatches { get; init; } = 2;

    /// <summary>Steps between checkpoints.</summary>
    public long CheckpointEverySteps { get; init; } = 2;

    /// <summary>Held-out questions of an evaluation; 0 evaluates never.</summary>
    public int EvaluationQuestions { get; init; } = 5;

    /// <summary>Steps between evaluations.</summary>
    public long EvaluationEverySteps { get; init; } = 2;

    /// <summary>How often workers offer themselves and ask for weights, milliseconds.</summary>
    public int AnnounceMs { get; init; } = 500;

    /// <summary>Time of a lease, milliseconds.</summary>
    public int LeaseTimeoutMs { get; init; } = 6_000;

    /// <summary>Time without progress until the run is given up, milliseconds.</summary>
    public int StallTimeoutMs { get; init; } = 30_000;

    /// <summary>Time of a download of weights, milliseconds.</summary>
    public int DownloadTimeoutMs { get; init; } = 3_000;

    /// <summary>How often a job is tried.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>A healthy link.</summary>
    public LinkModel Links { get; init; } = new();

    /// <summary>Median seconds of a tool call.</summary>
    public double ToolSeconds { get; init; } = 0.05;

    /// <summary>How fast engines are.</summary>
    public EngineTimes Engines { get; init; } = new();

    /// <summary>What the coordinator is told.</summary>
    public CoordinatorOptions Coordinator() => new()
    {
        Seed = TrainingSeed,
        Steps = Steps,
        PromptsPerStep = PromptsPerStep,
        GroupSize = GroupSize,
        MaxStalenessSteps = MaxStalenessSteps,
        TrainProblems = DigitEnvironment.TrainProblems,
        EvaluationQuestions = EvaluationQuestions,
        EvaluationEverySteps = EvaluationEverySteps,
        LeaseTimeoutMs = LeaseTimeoutMs,
        StallTimeoutMs = StallTimeoutMs,
        TickMs = 200,
        MaxAttempts = MaxAttempts,
    };

    /// <summary>What the learner is told.</summary>
    public LearningOptions Learning() => new()
    {
        Estimator = new A2tgpo(new A2tgpoOptions()),
        Loss = new PolicyLossOptions(PolicyLossKind.Turn),
        Optimizer = step => new OptimizerOptions(step / 100f),
        MiniBatches = MiniBatches,
        UseRolloutLogProbs = !ThreePolicies,
        CheckpointEverySteps = CheckpointEverySteps,
    };

    /// <summary>What the final weights of a synchronous run depend on, and nothing else.</summary>
    public TrainingShape WhatDecidesTheWeights() => new()
    {
        TrainingSeed = TrainingSeed,
        Steps = Steps,
        PromptsPerStep = PromptsPerStep,
        GroupSize = GroupSize,
        ThreePolicies = ThreePolicies,
        MiniBatches = MiniBatches,
        EvaluationQuestions = 0,
    };
}
