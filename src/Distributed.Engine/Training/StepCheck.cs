using Distributed.Ports;

namespace Distributed.Engine.Training;

/// <summary>Refuses optimizer options that make no sense.</summary>
internal static class StepCheck
{
    /// <summary>What is wrong with them, or null.</summary>
    public static string? Complaint(OptimizerOptions options)
    {
        if (!float.IsFinite(options.LearningRate) || !float.IsFinite(options.WeightDecay))
            return "The learning rate and the weight decay must be finite.";
        if (!(options.Beta1 is >= 0 and < 1) || !(options.Beta2 is >= 0 and < 1))
            return $"The betas ({options.Beta1}, {options.Beta2}) must lie in [0, 1).";
        if (!(options.Epsilon >= 0) || !(options.MaxGradNorm >= 0))
            return "Epsilon and the largest gradient norm must not be negative.";
        return null;
    }
}
