namespace Distributed.Credit.Tests;

public sealed class OptionTests
{
    [Fact]
    public void Every_method_and_shaper_can_be_made_from_its_name_alone()
    {
        foreach (var entry in AdvantageEstimators.All) AdvantageEstimators.Create(entry.Name).Name.ShouldBe(entry.Name);
        foreach (var entry in RewardShapers.All) RewardShapers.Create(entry.Name).Name.ShouldBe(entry.Name);
    }

    [Fact]
    public void Options_have_the_names_the_field_uses()
    {
        OptionNames.Of(typeof(GrpoOptions)).ShouldContain("norm_adv_by_std_in_grpo");
        OptionNames.Of(typeof(A2tgpoOptions)).ShouldBe(
            ["alpha", "gamma", "beta", "ig_std_floor", "turn_group_norm", "sqrt_scaling", "adaptive_clip", "divide_by_std", "variant"]);
        OptionNames.Of(typeof(PolicyLossOptions)).ShouldBe(
            ["policy_loss", "clip_ratio_low", "clip_ratio_high", "clip_ratio_c", "loss_agg_mode", "loss_scale_factor", "kl_coef",
                "kl_estimator", "mean_epsilon", "tau_pos", "tau_neg", "clip_cov_ratio", "clip_cov_lb", "clip_cov_ub", "kl_cov_ratio", "ppo_kl_coef"]);
        OptionNames.Of(typeof(RolloutCorrectionOptions)).ShouldBe(["rollout_is", "rollout_is_threshold", "rollout_is_batch_normalize", "rollout_is_icepop"]);
        OptionNames.Of(typeof(GroupFilterOptions)).ShouldBe(["filter_groups", "skip_below"]);
    }

    [Fact]
    public void Options_given_as_text_are_read_with_enums_in_either_spelling()
    {
        var options = (PolicyLossOptions)OptionNames.Bind("policy_loss", typeof(PolicyLossOptions), new Dictionary<string, string>
        {
            ["policy_loss"] = "turn",
            ["clip_ratio_low"] = "3e-3",
            ["loss_agg_mode"] = "seq-mean-token-sum-norm",
            ["loss_scale_factor"] = "512",
        });
        options.ShouldBe(new PolicyLossOptions(PolicyLossKind.Turn, 0.003, LossAggMode: LossAggMode.SeqMeanTokenSumNorm,
            LossScaleFactor: 512));
        var off = new Dictionary<string, string> { ["rollout_is"] = "null" };
        ((RolloutCorrectionOptions)OptionNames.Bind("rollout_correction", typeof(RolloutCorrectionOptions), off))
            .RolloutIs.ShouldBe(RolloutIs.None);
    }

    [Theory]
    [InlineData("alhpa", "1", "unknown option 'alhpa'; it has alpha, gamma")]
    [InlineData("alpha", "one", "alpha is 'one'; it must be a number")]
    [InlineData("variant", "papyrus", "variant is 'papyrus'; it must be one of paper, released")]
    [InlineData("gamma", "1.5", "gamma is 1.5; it must be from 0 to 1")]
    [InlineData("beta", "NaN", "beta is NaN; it must be from 0 to 1")]
    [InlineData("adaptive_clip", "yes", "adaptive_clip is 'yes'; it must be true or false")]
    public void A_wrong_option_is_refused_with_its_name_and_the_mend(string option, string value, string message) =>
        Should.Throw<CreditException>(() => AdvantageEstimators.Create("a2tgpo", new Dictionary<string, string> { [option] = value }))
            .Message.ShouldContain(message);

    [Fact]
    public void An_unknown_method_is_refused_with_the_list_of_methods() =>
        Should.Throw<CreditException>(() => AdvantageEstimators.Create("gppo")).Message.ShouldBe(
            "unknown algorithm 'gppo'; there are grpo, rloo, reinforce++, reinforce++-baseline, gigpo, gtpo, igpo, a2tgpo, turn-peer, istar");
}
