namespace Distributed.Node.Recipes;

/// <summary>What to train, on what, how and on how many nodes: everything a run needs, and nothing else decides its result.</summary>
public sealed record Recipe : IOptionSection
{
    /// <summary>Name of the run folder.</summary>
    [DefaultIs("the file's name")]
    public string Name { get; init; } = "";

    /// <summary>All chance of a run comes from this number.</summary>
    [Range(0, 1L << 53)]
    public long Seed { get; init; } = 1;

    /// <summary>Training steps: each takes one batch of groups and makes one new policy version.</summary>
    [Range(1, 100_000_000)]
    public int Steps { get; init; } = 200;

    /// <summary>Groups (prompts) of a step's batch.</summary>
    [Range(1, 65_536)]
    public int PromptsPerStep { get; init; } = 32;

    /// <summary>Rollouts of one prompt, compared with each other.</summary>
    [Range(2, 1024)]
    public int GroupSize { get; init; } = 8;

    /// <summary>How many policy versions old a trained rollout may be. 0 is synchronous: every rollout of a step is made by the policy the step improves, and a run repeats bit for bit.</summary>
    [Range(0, 64)]
    public int MaxStalenessSteps { get; init; }

    /// <summary>Optimizer updates per step; with more than one the ratio to the sampling policy leaves 1 and clipping matters.</summary>
    [Range(1, 1024)]
    public int MiniBatches { get; init; } = 1;

    /// <summary>Leave out groups whose advantages are all zero; they are counted.</summary>
    public bool FilterGroups { get; init; } = true;

    /// <summary>Leave out rollouts none of whose advantages is larger than this in size: they cost as much as others and teach next to nothing. 0 leaves out exact zeros, which changes nothing.</summary>
    [Range(0, 100)]
    public double SkipBelow { get; init; }

    /// <summary>Correct for rollouts of an older policy by truncated importance weights: each token by its own ratio, by the product of its rollout's, or by their geometric mean.</summary>
    [OneOf("token", "sequence", "geometric")]
    public string? RolloutIs { get; init; }

    /// <summary>Importance weights are cut off here.</summary>
    [Range(0, AboveMin = true)]
    public double RolloutIsThreshold { get; init; } = 2;

    /// <summary>Divide importance weights by their mean over the batch.</summary>
    public bool RolloutIsBatchNormalize { get; init; }

    /// <summary>Importance weights outside one over this and this count 0 instead of being cut off (IcePop).</summary>
    [Range(1, 1e9, AboveMin = true)]
    public double? RolloutIsIcepop { get; init; }

    /// <summary>Train on nothing that is too far off-policy: rules such as <c>token_k1</c> or <c>seq_mean_k3</c>, separated by commas.</summary>
    public string? RolloutRs { get; init; }

    /// <summary>One threshold for each rule, such as <c>0.5_2.0</c> or <c>0.01</c>.</summary>
    public string? RolloutRsThreshold { get; init; }

    /// <summary>A run in which nothing finished for this long stops and says who waits for what, seconds.</summary>
    [Range(1, 86_400)]
    public double StallTimeoutS { get; init; } = 60;

    /// <summary>The world the agent acts in.</summary>
    public EnvironmentSection Environment { get; init; } = new();

    /// <summary>The policy that is trained.</summary>
    public ModelSection Model { get; init; } = new();

    /// <summary>Train a low-rank adapter instead of the model's own weights.</summary>
    public LoraSection? Lora { get; init; }

    /// <summary>What computes the model.</summary>
    public EngineSection Engine { get; init; } = new();

    /// <summary>How episodes are played.</summary>
    public RolloutSection Rollout { get; init; } = new();

    /// <summary>How rewards become advantages.</summary>
    public AlgorithmSection Algorithm { get; init; } = new();

    /// <summary>How a turn's information gain is measured.</summary>
    public InformationGainSection Ig { get; init; } = new();

    /// <summary>How advantages become a gradient.</summary>
    public LossSection Loss { get; init; } = new();

    /// <summary>How a gradient becomes new weights.</summary>
    public OptimizerSection Optimizer { get; init; } = new();

    /// <summary>Which nodes there are.</summary>
    public ClusterSection Cluster { get; init; } = new();

    /// <summary>What is kept to resume from.</summary>
    public CheckpointSection Checkpoint { get; init; } = new();

    /// <summary>When and on how many questions progress is measured.</summary>
    public EvaluationSection Evaluation { get; init; } = new();

    /// <summary>What the run folder keeps for people.</summary>
    public ReportSection Report { get; init; } = new();
}
