using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Credit;
using Distributed.Environments;
using Distributed.Node.Recipes;
using Distributed.Ports;

namespace Distributed.Node.Composition;

/// <summary>A recipe's words as the options of coordinator and learner.</summary>
internal static class LearningSetup
{
    /// <summary>Credit, loss and optimizer of an effective recipe.</summary>
    public static LearningOptions Learning(Recipe recipe, IEnvironment environment, ITokenizer tokenizer) => new()
    {
        Estimator = CreditOptions.Estimator(recipe.Algorithm),
        GainScale = recipe.Ig.Scale == "log_prob_diff" ? GainScale.LogProbDiff : GainScale.ProbDiff,
        Aliases = recipe.Ig.Aliases == "max" ? AliasChoice.Max : AliasChoice.First,
        Loss = Loss(recipe.Loss),
        Filter = new GroupFilterOptions(recipe.FilterGroups, recipe.SkipBelow),
        Correction = new RolloutCorrectionOptions(
            recipe.RolloutIs switch { "token" => RolloutIs.Token, "sequence" => RolloutIs.Sequence, _ => RolloutIs.None },
            recipe.RolloutIsThreshold),
        UseRolloutLogProbs = recipe.RolloutIs is null, // a correction needs pi_old computed apart from pi_rollout
        MiniBatches = recipe.MiniBatches,
        Optimizer = step => Optimizer(recipe.Optimizer, step),
        CheckpointEverySteps = recipe.Checkpoint.EverySteps,
        ProgramText = environment.Format.StopStrings.Contains(CodeFormat.CodeClose)
            ? (trajectory, turn) => CodeFormat.ProgramOf(tokenizer.Decode(trajectory.Turns[turn].Tokens))
            : (_, _) => null,
    };

    /// <summary>Admission, leases and evaluations of an effective recipe.</summary>
    public static CoordinatorOptions Coordinator(Recipe recipe, IEnvironment environment) => new()
    {
        Seed = (ulong)recipe.Seed,
        Steps = recipe.Steps,
        PromptsPerStep = recipe.PromptsPerStep,
        GroupSize = recipe.GroupSize,
        MaxStalenessSteps = recipe.MaxStalenessSteps,
        NeedsScores = NeedsScores(recipe),
        TrainProblems = environment.Count(Split.Train),
        EvaluationQuestions = (int)Math.Min(recipe.Evaluation.Questions, environment.Count(Split.HeldOut)),
        FinalEvaluationQuestions = (int)Math.Min(recipe.Evaluation.FinalQuestions ?? recipe.Evaluation.Questions, environment.Count(Split.HeldOut)),
        EvaluationEverySteps = recipe.Evaluation.EverySteps,
        LeaseTimeoutMs = (int)(recipe.Rollout.LeaseTimeoutS * 1000),
        StallTimeoutMs = (int)(recipe.StallTimeoutS * 1000),
    };

    /// <summary>Whether trajectories go to a scorer: only if the method uses the gain, or it is to be logged.</summary>
    public static bool NeedsScores(Recipe recipe) => recipe.Ig.Log || CreditOptions.UsesGains(recipe.Algorithm);


    private static PolicyLossOptions Loss(LossSection loss) => new(
        loss.PolicyLoss switch
        {
            "turn" => PolicyLossKind.Turn,
            "gspo" => PolicyLossKind.Gspo,
            "cispo" => PolicyLossKind.Cispo,
            _ => PolicyLossKind.PpoClip,
        },
        loss.ClipRatioLow ?? 0.2,
        loss.ClipRatioHigh ?? 0.2,
        loss.ClipRatioC ?? 3,
        loss.LossAggMode switch
        {
            "token-mean" => LossAggMode.TokenMean,
            "seq-mean-token-sum" => LossAggMode.SeqMeanTokenSum,
            "seq-mean-token-mean" => LossAggMode.SeqMeanTokenMean,
            "seq-mean-token-sum-norm" => LossAggMode.SeqMeanTokenSumNorm,
            _ => null,
        },
        loss.LossScaleFactor,
        loss.KlCoef,
        loss.KlEstimator switch
        {
            "k1" => KlEstimator.K1,
            "abs" => KlEstimator.Abs,
            "k2" => KlEstimator.K2,
            "k1+" => KlEstimator.K1Plus,
            "k3+" => KlEstimator.K3Plus,
            _ => KlEstimator.K3,
        });

    private static OptimizerOptions Optimizer(OptimizerSection optimizer, long step) => new(
        (float)(optimizer.Lr * Math.Min(1.0, step / (double)Math.Max(1, optimizer.WarmupSteps))),
        (float)optimizer.Betas[0],
        (float)optimizer.Betas[1],
        (float)optimizer.Eps,
        (float)optimizer.WeightDecay,
        (float)optimizer.MaxGradNorm);
}
