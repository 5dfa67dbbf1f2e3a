namespace Distributed.Node.Recipes;

/// <summary>A supervised warm start: a model with random weights learns from generated demonstrations, stage by stage.</summary>
public sealed record WarmStartRecipe : IOptionSection
{
    /// <summary>Name of the run folder.</summary>
    [DefaultIs("the file's name")]
    public string Name { get; init; } = "";

    /// <summary>Seed of the initial weights; the first restart uses the next number, and so on.</summary>
    [Range(0, 1L << 53)]
    public long Seed { get; init; } = 1;

    /// <summary>How often to begin again from other initial weights when a stage does not reach its aim.</summary>
    [Range(0, 100)]
    public int Restarts { get; init; } = 3;

    /// <summary>Engine threads. The weights depend on this number to the last bit.</summary>
    [Range(1, 1024)]
    public int Threads { get; init; } = 2;

    /// <summary>The world that makes demonstrations and judges.</summary>
    public EnvironmentSection Environment { get; init; } = new();

    /// <summary>The model to begin with.</summary>
    public ModelSection Model { get; init; } = new();

    /// <summary>What is learnt, in order. Each stage begins with fresh optimizer moments.</summary>
    public IReadOnlyList<StageSection> Stages { get; init; } = [];

    /// <summary>Held-out questions asked at the end.</summary>
    [Range(1, 1_000_000)]
    public int Questions { get; init; } = 500;
}

/// <summary>One stage of a warm start.</summary>
public sealed record StageSection : IOptionSection
{
    /// <summary>Kinds of demonstrations and the share of each; the shares sum to 1.</summary>
    [Range(0, 1)]
    public IReadOnlyDictionary<string, double> Mix { get; init; } = new Dictionary<string, double>();

    /// <summary>Optimizer steps; with <c>until</c>, the most there are.</summary>
    [Range(1, 100_000_000)]
    public int Steps { get; init; } = 1000;

    /// <summary>Demonstrations of a step.</summary>
    [Range(1, 65_536)]
    public int BatchSize { get; init; } = 16;

    /// <summary>Step size after warm-up.</summary>
    [Range(0, 10, AboveMin = true)]
    public double Lr { get; init; } = 1e-3;

    /// <summary>Steps over which the step size rises from 0.</summary>
    [Range(0, 1_000_000)]
    public int WarmupSteps { get; init; } = 100;

    /// <summary>Share of the steps after which the step size falls in a straight line.</summary>
    [Range(0, 1)]
    public double DecayFrom { get; init; } = 0.7;

    /// <summary>Share of the step size it falls to.</summary>
    [Range(0, 1)]
    public double DecayTo { get; init; } = 0.05;

    /// <summary>Share of the step size by which every weight shrinks.</summary>
    [Range(0, 10)]
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Clip the global gradient norm to this; 0 does not clip.</summary>
    [Range(0, 1e9)]
    public double MaxGradNorm { get; init; }

    /// <summary>An aim that ends the stage early, and without which the warm start begins again.</summary>
    public AimSection? Until { get; init; }
}

/// <summary>Greedy success a stage must reach on held-out questions of one category.</summary>
public sealed record AimSection : IOptionSection
{
    /// <summary>The questions' category, as the environment names it.</summary>
    public string Category { get; init; } = "";

    /// <summary>Share of right answers to reach.</summary>
    [Range(0, 1)]
    public double Success { get; init; } = 0.98;

    /// <summary>Questions asked each time.</summary>
    [Range(1, 100_000)]
    public int Questions { get; init; } = 256;

    /// <summary>Steps between looks.</summary>
    [Range(1, 1_000_000)]
    public int EverySteps { get; init; } = 100;
}
