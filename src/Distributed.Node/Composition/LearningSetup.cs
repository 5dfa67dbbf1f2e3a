using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Credit;
using Distributed.Node.Recipes;
using Distributed.Ports;

namespace Distributed.Node.Composition;

/// <summary>A recipe's words as the options of coordinator and learner.</summary>
internal static class LearningSetup
{
    /// <summary>Credit, loss and optimizer of an effective recipe.</summary>
    /// <exception cref="RefusedException">The environment cannot tell what a shaper needs.</exception>
    public static LearningOptions Learning(Recipe recipe, ITokenizer tokenizer, IEnvironment environment) =>
        Learning(recipe, tokenizer, CreditOptions.ReadsPrograms(recipe.Algorithm), TurnJudging.For(recipe, environment));

    private static LearningOptions Learning(Recipe recipe, ITokenizer tokenizer, bool readsPrograms, ITurnJudge? judge) => new()
    {
        Estimator = CreditOptions.Estimator(recipe.Algorithm),
        GainScale = recipe.Ig.Scale == "log_prob_diff" ? GainScale.LogProbDiff : GainScale.ProbDiff,
        Aliases = recipe.Ig.Aliases == "max" ? AliasChoice.Max : AliasChoice.First,
        Loss = Loss(recipe.Loss),
        Filter = new GroupFilterOptions(recipe.FilterGroups, recipe.SkipBelow),
        Correction = new RolloutCorrectionOptions(
            recipe.RolloutIs switch { "token" => RolloutIs.Token, "sequence" => RolloutIs.Sequence, "geometric" => RolloutIs.Geometric, _ => RolloutIs.None },
            recipe.RolloutIsThreshold,
            recipe.RolloutIsBatchNormalize,
            recipe.RolloutIsIcepop),
        Rejection = RejectionRule.Parse(recipe.RolloutRs, recipe.RolloutRsThreshold),
        Progress = recipe.Algorithm.Progress is { } progress
            ? new ProgressOptions(progress.HiddenUnits, progress.LearningRate, progress.Epochs, progress.Redistribute, (int)(recipe.Seed % int.MaxValue))
            : null,
        ProcessReward = recipe.Algorithm.ProcessReward is { } reward ? new ProcessRewardOptions(reward.Beta, reward.LearningRate, reward.Epochs) : null,
        ProgramText = (trajectory, turn) => readsPrograms ? ProgramTexts.Of(tokenizer.Decode(trajectory.Turns[turn].Tokens)) : null,
        Judge = judge is null ? null : trajectory => TurnJudging.Judge(judge, trajectory, tokenizer),
        UseRolloutLogProbs = recipe is { RolloutIs: null, RolloutRs: null }, // both need pi_old computed apart from pi_rollout
        MiniBatches = recipe.MiniBatches,
        Optimizer = step => Optimizer(recipe.Optimizer, step),
        CheckpointEverySteps = recipe.Checkpoint.EverySteps,
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
    public static bool NeedsScores(Recipe recipe) => recipe.Ig.Log || CreditOptions.NeedsScores(recipe.Algorithm);

    private static PolicyLossOptions Loss(LossSection loss) => new(
        loss.PolicyLoss switch
        {
            "turn" => PolicyLossKind.Turn,
            "gspo" => PolicyLossKind.Gspo,
            "cispo" => PolicyLossKind.Cispo,
            "sapo" => PolicyLossKind.Sapo,
            "gmpo" => PolicyLossKind.Gmpo,
            "reinforce" => PolicyLossKind.Reinforce,
            "clip_cov" => PolicyLossKind.ClipCov,
            "kl_cov" => PolicyLossKind.KlCov,
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
        },
        TauPos: loss.TauPos ?? 1,
        TauNeg: loss.TauNeg ?? 1.05,
        ClipCovRatio: loss.ClipCovRatio ?? 0.0002,
        ClipCovLb: loss.ClipCovLb ?? 1,
        ClipCovUb: loss.ClipCovUb ?? 5,
        KlCovRatio: loss.KlCovRatio ?? 0.0002,
        PpoKlCoef: loss.PpoKlCoef ?? 1);

    private static OptimizerOptions Optimizer(OptimizerSection optimizer, long step) => new(
        (float)(optimizer.Lr * Math.Min(1.0, step / (double)Math.Max(1, optimizer.WarmupSteps))),
        (float)optimizer.Betas[0],
        (float)optimizer.Betas[1],
        (float)optimizer.Eps,
        (float)optimizer.WeightDecay,
        (float)optimizer.MaxGradNorm);
}
