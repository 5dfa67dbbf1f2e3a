namespace Distributed.Node.Recipes;

/// <summary>A small head on the policy's hidden states that learns to split the outcome over the turns (SPA-RL 2505.20732).</summary>
public sealed record ProgressSection : IOptionSection
{
    /// <summary>Units of the head's hidden layer.</summary>
    [Range(1, 4096)]
    public int HiddenUnits { get; init; } = 32;

    /// <summary>Step size of the head's own optimizer.</summary>
    [Range(0, 10, AboveMin = true)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Passes over a batch after it was attributed.</summary>
    [Range(1, 1000)]
    public int Epochs { get; init; } = 4;

    /// <summary>Take what the tool turns are given from the final turn, so that rewards add up to the outcome; off: they come on top.</summary>
    public bool Redistribute { get; init; } = true;
}
