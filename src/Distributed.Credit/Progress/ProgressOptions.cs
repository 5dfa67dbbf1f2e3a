namespace Distributed.Credit;

/// <summary>Options of the learned progress attribution (SPA-RL 2505.20732).</summary>
/// <param name="HiddenUnits">Units of the head's hidden layer, 1 to 4096.</param>
/// <param name="LearningRate">Adam's step size, above 0.</param>
/// <param name="Epochs">Passes over a batch's rollouts after it was attributed, 1 to 1000.</param>
/// <param name="Redistribute">True: what the tool turns were given is taken from the final turn, so that a rollout's rewards add up to its
/// outcome. False: the outcome stays whole and the contributions come on top.</param>
/// <param name="Seed">Seed of the head's first weights.</param>
public sealed record ProgressOptions(
    int HiddenUnits = 32, double LearningRate = 1e-3, int Epochs = 4, bool Redistribute = true, int Seed = 1)
{
    /// <summary>Throws <see cref="CreditException"/> if an option is out of its range.</summary>
    public void Validate()
    {
        OptionRange.Between("progress", "hidden_units", HiddenUnits, 1, 4096);
        OptionRange.Above("progress", "learning_rate", LearningRate, 0);
        OptionRange.Between("progress", "epochs", Epochs, 1, 1000);
    }
}
