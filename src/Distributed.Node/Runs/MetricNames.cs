using System.Globalization;

namespace Distributed.Node.Runs;

/// <summary>Names of the metrics in metrics.jsonl, the field's own where it has one.</summary>
public static class MetricNames
{
    /// <summary>Mean outcome reward of the step's rollouts.</summary>
    public const string Reward = "reward/mean";

    /// <summary>Share of the step's rollouts with a right answer.</summary>
    public const string Success = "success";

    /// <summary>Mean number of turns.</summary>
    public const string Turns = "turns/mean";

    /// <summary>Share of tool turns whose tool failed or found nothing.</summary>
    public const string ToolErrors = "tool_errors";

    /// <summary>Share of rollouts that broke the format.</summary>
    public const string Malformed = "outcome/malformed";

    /// <summary>Share of rollouts that ran out of tokens.</summary>
    public const string Truncated = "outcome/truncated";

    /// <summary>Share of rollouts that ran out of turns.</summary>
    public const string TurnsExhausted = "outcome/turns_exhausted";

    /// <summary>Mean information gain of a tool turn.</summary>
    public const string GainMean = "ig/mean";

    /// <summary>Standard deviation of the information gain.</summary>
    public const string GainStd = "ig/std";

    /// <summary>Mean information gain of the first, second.. tool turn: this and the turn's number, from 1.</summary>
    public const string GainByTurn = "ig/by_turn/";

    /// <summary>Share of groups whose outcomes are all equal.</summary>
    public const string AdvantageCollapse = "advantage_collapse";

    /// <summary>The policy loss.</summary>
    public const string Loss = "loss";

    /// <summary>Global gradient norm before clipping.</summary>
    public const string GradNorm = "grad_norm";

    /// <summary>Mean entropy of the policy at trained tokens, nats.</summary>
    public const string Entropy = "entropy";

    /// <summary>Share of trained tokens whose ratio was clipped.</summary>
    public const string ClipFraction = "clip_fraction";

    /// <summary>Mean absolute difference of the log-probabilities the sampler and the learner give a token, nats.</summary>
    public const string LogProbDifference = "train_rollout_logprob_abs_diff";

    /// <summary>Mean of r - log r - 1 over trained tokens, r the ratio of learner to sampler.</summary>
    public const string MismatchKl = "mismatch_kl";

    /// <summary>Mean age of the trained rollouts in policy versions.</summary>
    public const string StalenessMean = "staleness/mean";

    /// <summary>Age of the oldest trained rollout in policy versions.</summary>
    public const string StalenessMax = "staleness/max";

    /// <summary>Tokens sampled or read per second of rollout work.</summary>
    public const string RolloutSpeed = "rollout/tokens_per_s";

    /// <summary>Tokens scored per second of scorer work.</summary>
    public const string ScoreSpeed = "score/tokens_per_s";

    /// <summary>Tokens trained per second of learner work.</summary>
    public const string TrainSpeed = "train/tokens_per_s";

    /// <summary>Share of the step in which rollout nodes had nothing to do.</summary>
    public const string RolloutIdle = "idle/rollout";

    /// <summary>Share of the step in which scorer nodes had nothing to do.</summary>
    public const string ScoreIdle = "idle/score";

    /// <summary>Share of the step in which the learner had nothing to do.</summary>
    public const string TrainIdle = "idle/train";

    /// <summary>Greedy success on held-out questions.</summary>
    public const string HeldOut = "eval/success";

    /// <summary>The same on the questions of one category: this and the category.</summary>
    public const string HeldOutByCategory = "eval/success/";

    /// <summary>Greedy held-out success of a policy with random weights, to compare with.</summary>
    public const string Untrained = "untrained/success";

    /// <summary>The same on the questions of one category: this and the category.</summary>
    public const string UntrainedByCategory = "untrained/success/";

    /// <summary>The name of a turn's gain; <paramref name="turn"/> from 1.</summary>
    public static string GainOfTurn(int turn) => GainByTurn + turn.ToString(CultureInfo.InvariantCulture);
}
