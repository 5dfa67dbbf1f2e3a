using Distributed.Node.Recipes;

namespace Distributed.Node.WarmStarts;

/// <summary>A stage's step size: a straight rise, a plateau, a straight fall.</summary>
internal static class LearningRate
{
    /// <summary>Of a step, from 0.</summary>
    public static double At(StageSection stage, int step)
    {
        if (step < stage.WarmupSteps)
        {
            return stage.Lr * (step + 1) / stage.WarmupSteps;
        }
        var fallBegins = stage.DecayFrom * stage.Steps;
        if (step < fallBegins)
        {
            return stage.Lr;
        }
        var fallen = Math.Min(1, (step + 1 - fallBegins) / (stage.Steps - fallBegins));
        return stage.Lr * (1 - fallen * (1 - stage.DecayTo));
    }
}
