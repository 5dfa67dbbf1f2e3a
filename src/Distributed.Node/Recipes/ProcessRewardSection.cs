namespace Distributed.Node.Recipes;

/// <summary>A second model of the policy's shape that learns from the outcomes which turns were worth it (iStar 2509.19199).</summary>
public sealed record ProcessRewardSection : IOptionSection
{
    /// <summary>Weight of the log-ratio of reward model and policy, in its loss and in the turns' rewards.</summary>
    [Range(0, 100, AboveMin = true)]
    public double Beta { get; init; } = 0.05;

    /// <summary>Step size of the model's own optimizer.</summary>
    [Range(0, 10, AboveMin = true), DefaultIs("that of `optimizer.lr`, warm-up included")]
    public double? LearningRate { get; init; }

    /// <summary>Optimizer steps on a batch's preferences before its turns are rewarded.</summary>
    [Range(1, 1000)]
    public int Epochs { get; init; } = 1;
}
