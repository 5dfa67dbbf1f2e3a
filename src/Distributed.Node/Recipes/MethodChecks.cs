using System.Globalization;
using System.Text.RegularExpressions;
using Distributed.Credit;

namespace Distributed.Node.Recipes;

/// <summary>Refuses methods, shapers and losses that cannot go together.</summary>
internal static partial class MethodChecks
{
    private const string TurnRatio = "turn";

    public static void Check(Recipe recipe, OptionBinder binder)
    {
        Algorithm(recipe, binder);
        for (var i = 0; i < recipe.Algorithm.Shapers.Count; i++)
        {
            Shaper(recipe, recipe.Algorithm.Shapers[i], string.Create(CultureInfo.InvariantCulture, $"algorithm.shapers[{i}]"), binder);
        }
        Loss(recipe, binder);
        Rejection(recipe, binder);
    }

    private static void Algorithm(Recipe recipe, OptionBinder binder)
    {
        var algorithm = recipe.Algorithm;
        TrainingChecks.OnlyWith(algorithm, algorithm.Name, "algorithm", binder);
        if (algorithm.AdaptiveClip == true && recipe.Loss.PolicyLoss is not (null or TurnRatio))
        {
            throw TrainingChecks.Refuse(binder, "algorithm.adaptive_clip", "needs the turn's own ratio; set loss.policy_loss: turn, or adaptive_clip: false");
        }
        if (algorithm is { AdaptiveClip: false, Beta: > 0 })
        {
            throw TrainingChecks.Refuse(binder, "algorithm.beta", "does nothing with adaptive_clip: false; remove one of the two");
        }
        if (algorithm is { ScaleFloor: not null, Scale: null or "none" })
        {
            throw TrainingChecks.Refuse(binder, "algorithm.scale_floor", "does nothing with scale: none; set scale: batch or peers, or remove it");
        }
        if (recipe.Ig.Scale is not null && !recipe.Ig.Log && !CreditOptions.NeedsScores(algorithm))
        {
            throw TrainingChecks.Refuse(binder, "ig.scale", $"is used by methods with information gain, not by {algorithm.Name}{(algorithm.Progress is null ? "" : " with progress")}; remove it, or set ig.log: true to measure gains all the same");
        }
        if (algorithm.Progress is not null && !CreditOptions.UsesGains(algorithm))
        {
            throw TrainingChecks.Refuse(binder, "algorithm.progress", $"gives tool turns rewards in place of information gains, and {algorithm.Name} uses none; choose igpo, a2tgpo or turn-peer, or remove it");
        }
        if (algorithm.ProcessReward is not null && algorithm.Name != "istar")
        {
            throw TrainingChecks.Refuse(binder, "algorithm.process_reward", $"belongs to istar, not to {algorithm.Name}; remove it");
        }
        Library(() => CreditOptions.Estimator(algorithm with { Shapers = [] }), "algorithm", binder);
    }

    private static void Shaper(Recipe recipe, ShaperSection shaper, string path, OptionBinder binder)
    {
        if (shaper.Name.Length == 0)
        {
            throw TrainingChecks.Refuse(binder, path, "has no name; for example {name: gated, threshold: 1}");
        }
        TrainingChecks.OnlyWith(shaper, shaper.Name, path, binder);
        Library(() => CreditOptions.Shaper(shaper), path, binder);
        var method = recipe.Algorithm.Name;
        if (CreditOptions.UsesGains(recipe.Algorithm))
        {
            return;
        }
        if (shaper.Name is "gated" or "min-form")
        {
            throw TrainingChecks.Refuse(binder, path, $": {shaper.Name} changes information gains only, and {method} uses none; choose igpo, a2tgpo or turn-peer, or remove it");
        }
        if (shaper.Name is "rank-incentive" or "tool-format" && shaper.Into != "outcome")
        {
            throw TrainingChecks.Refuse(binder, path, $": {shaper.Name} puts its reward into the turns' gains, and {method} uses none; set into: outcome");
        }
    }

    private static void Loss(Recipe recipe, OptionBinder binder)
    {
        var loss = recipe.Loss;
        if (loss.LossAggMode == "seq-mean-token-sum-norm" && loss.LossScaleFactor is null)
        {
            throw TrainingChecks.Refuse(binder, "loss.loss_agg_mode", "seq-mean-token-sum-norm divides by loss.loss_scale_factor; give one, for example the most tokens an episode may sample");
        }
        if (loss.LossScaleFactor is not null && loss.LossAggMode != "seq-mean-token-sum-norm")
        {
            throw TrainingChecks.Refuse(binder, "loss.loss_scale_factor", "is used by loss_agg_mode: seq-mean-token-sum-norm only; set that or remove it");
        }
        var surrogate = loss.PolicyLoss ?? (recipe.Algorithm.Name == "a2tgpo" ? TurnRatio : "ppo_clip");
        TrainingChecks.OnlyWith(loss, surrogate, "loss", binder);
        if (surrogate == "gmpo" && loss.LossAggMode is not null)
        {
            throw TrainingChecks.Refuse(binder, "loss.loss_agg_mode", "does not apply to gmpo, which takes the mean over rollouts; remove it");
        }
        if (loss.ClipCovLb >= (loss.ClipCovUb ?? 5) || loss.ClipCovUb <= (loss.ClipCovLb ?? 1))
        {
            throw TrainingChecks.Refuse(binder, loss.ClipCovLb is null ? "loss.clip_cov_ub" : "loss.clip_cov_lb", ": clip_cov_lb must be below clip_cov_ub");
        }
        if (loss is { KlEstimator: not null, KlCoef: 0 })
        {
            throw TrainingChecks.Refuse(binder, "loss.kl_estimator", "does nothing with kl_coef 0; give a kl_coef or remove it");
        }
    }

    private static void Rejection(Recipe recipe, OptionBinder binder)
    {
        if (recipe is { RolloutRs: null, RolloutRsThreshold: null })
        {
            return;
        }
        if (recipe.RolloutRs is null)
        {
            throw TrainingChecks.Refuse(binder, "rollout_rs_threshold", "does nothing without rollout_rs; give its rules or remove it");
        }
        if (recipe.RolloutRsThreshold is null)
        {
            throw TrainingChecks.Refuse(binder, "rollout_rs", "needs rollout_rs_threshold: one threshold for each rule, such as '0.5_2.0'");
        }
        try
        {
            RejectionRule.Parse(recipe.RolloutRs, recipe.RolloutRsThreshold);
        }
        catch (CreditException e)
        {
            throw new RefusedException($"{binder.Place("rollout_rs")}: {e.Message}", e);
        }
        if (recipe.MaxStalenessSteps == 0 && recipe.MiniBatches == 1)
        {
            throw TrainingChecks.Refuse(binder, "rollout_rs", "looks for rollouts of an older policy, but with max_staleness_steps 0 and mini_batches 1 there is none; remove it");
        }
    }

    // The library knows the ranges of its options; its refusal is given the recipe's line.
    private static void Library(Action build, string path, OptionBinder binder)
    {
        try
        {
            build();
        }
        catch (CreditException e)
        {
            var named = NamedOption().Match(e.Message);
            throw named.Success
                ? new RefusedException($"{binder.Place($"{path}.{named.Groups["key"].Value}")}: {path}.{named.Groups["key"].Value} {named.Groups["what"].Value}", e)
                : TrainingChecks.Refuse(binder, path, $": {e.Message}");
        }
    }

    [GeneratedRegex("^[^:]+: (?<key>[a-z0-9_]+) (?<what>is .*)$")]
    private static partial Regex NamedOption();
}
