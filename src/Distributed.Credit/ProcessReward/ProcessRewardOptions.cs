namespace Distributed.Credit;

/// <summary>Options of the implicit process reward (iStar, first called OPRL, 2509.19199).</summary>
/// <param name="Beta">Weight of the log-ratio, in the preference loss and in the reward alike, above 0.</param>
/// <param name="LearningRate">Step size of the reward model's own optimizer, above 0; null: the policy's of that step.</param>
/// <param name="Epochs">Optimizer steps on a batch's pairs before the batch is rewarded, 1 to 1000.</param>
public sealed record ProcessRewardOptions(double Beta = 0.05, double? LearningRate = null, int Epochs = 1)
{
    /// <summary>Throws <see cref="CreditException"/> if an option is out of its range.</summary>
    public void Validate()
    {
        OptionRange.Above("process_reward", "beta", Beta, 0);
        if (LearningRate is { } rate) OptionRange.Above("process_reward", "learning_rate", rate, 0);
        OptionRange.Between("process_reward", "epochs", Epochs, 1, 1000);
    }
}
