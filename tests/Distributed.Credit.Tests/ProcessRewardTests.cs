using FsCheck;
using FsCheck.Fluent;

namespace Distributed.Credit.Tests;

public sealed class ProcessRewardTests
{
    private static PreferenceGroup Group(double[] outcomes, double[] ratios) => new(outcomes, ratios);

    // Outcomes out of few values, so that ties are common; every group has both numbers for each rollout.
    private static Gen<PreferenceGroup[]> Batches =>
        from sizes in Gen.Choose(0, 5).ListOf(3)
        from outcomes in Gen.Choose(0, 2).ListOf(sizes.Sum())
        from ratios in Gen.Choose(-80, 80).Select(n => n / 8.0).ListOf(sizes.Sum())
        select sizes.Select((size, g) => Group(
            [.. outcomes.Skip(sizes.Take(g).Sum()).Take(size).Select(n => (double)n)], [.. ratios.Skip(sizes.Take(g).Sum()).Take(size)])).ToArray();

    private static void Check<T>(Gen<T> inputs, Action<T> property) => Prop.ForAll(Arb.From(inputs), property).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void A_pair_has_the_loss_and_slopes_of_the_formula()
    {
        var step = PreferenceLoss.Of([Group([1, 0], [2, -1])], 0.5);
        var surprise = 1 / (1 + Math.Exp(1.5)); // the margin is 0.5 (2 - -1)
        step.Loss.ShouldBe(-Math.Log(1 - surprise), 1e-15);
        step.Slopes[0].ShouldBe([-0.5 * surprise, 0.5 * surprise]);
        (step.Accuracy, step.Pairs).ShouldBe((1, 1));
    }

    [Fact]
    public void Only_unequal_outcomes_of_one_group_are_pairs()
    {
        var step = PreferenceLoss.Of([Group([1, 1], [3, 0]), Group([0], [5]), Group([], [])], 0.5);
        (step.Loss, step.Accuracy, step.Pairs).ShouldBe((0, 0.5, 0));
        step.Slopes.SelectMany(slopes => slopes).ShouldAllBe(slope => slope == 0);
        PreferenceLoss.Of([Group([0, 0.5, 1], [0, 0, 0])], 0.1).Pairs.ShouldBe(3);
        PreferenceLoss.Of([Group([0, 0.5, 1], [0, 0, 0])], 0.1).Loss.ShouldBe(Math.Log(2), 1e-15);
        PreferenceLoss.Of([Group([0, 1], [1, 1]), Group([0, 1], [1, 0])], 0.1).Accuracy.ShouldBe(0.25, "an even pair counts half, a wrong one not at all");
    }

    [Fact]
    public void Slopes_are_the_losss_finite_differences() => Check(Batches, batch =>
    {
        const double Step = 1e-5, Beta = 0.3;
        var slopes = PreferenceLoss.Of(batch, Beta).Slopes;
        for (var g = 0; g < batch.Length; g++)
        {
            for (var i = 0; i < slopes[g].Length; i++)
            {
                double Moved(double by)
                {
                    var ratios = batch[g].LogRatios.ToArray();
                    ratios[i] += by;
                    return PreferenceLoss.Of([.. batch.Select((group, index) => index == g ? group with { LogRatios = ratios } : group)], Beta).Loss;
                }

                slopes[g][i].ShouldBe((Moved(Step) - Moved(-Step)) / (2 * Step), 1e-8);
            }
        }
    });

    [Fact]
    public void A_groups_slopes_cancel_and_push_the_best_up_and_the_worst_down() => Check(Batches, batch =>
    {
        var slopes = PreferenceLoss.Of(batch, 0.3).Slopes;
        for (var g = 0; g < batch.Length; g++)
        {
            Math.Abs(slopes[g].Sum()).ShouldBeLessThan(1e-14);
            var outcomes = batch[g].Outcomes.ToArray();
            for (var i = 0; i < outcomes.Length; i++)
            {
                if (outcomes[i] == outcomes.Max()) slopes[g][i].ShouldBeLessThanOrEqualTo(0);
                if (outcomes[i] == outcomes.Min()) slopes[g][i].ShouldBeGreaterThanOrEqualTo(0);
            }
        }
    });

    [Fact]
    public void Margins_of_any_size_stay_finite()
    {
        var right = PreferenceLoss.Of([Group([1, 0], [1e6, -1e6])], 1);
        right.Loss.ShouldBe(0);
        var wrong = PreferenceLoss.Of([Group([1, 0], [-1e6, 1e6])], 1);
        wrong.Loss.ShouldBe(2e6);
        wrong.Slopes[0].ShouldBe([-1, 1]);
    }

    [Fact]
    public void A_turns_reward_is_its_share_of_the_rollouts_log_ratio()
    {
        float[] model = [-1, -2, -3, -0.5f], old = [-1.5f, -2, -2, -1.5f];
        ImplicitReward.LogRatio(model, old).ShouldBe(0.5);
        var rewards = ImplicitReward.ByTurn(model, old, [0, 0, 2, 2], 3, 0.1);
        rewards.ShouldBe([0.05, 0, 0], 1e-12);
        rewards.Sum().ShouldBe(0.1 * 0.5, 1e-12);
    }

    [Fact]
    public void What_cannot_be_used_is_refused()
    {
        Should.Throw<CreditException>(() => PreferenceLoss.Of([Group([1, 0], [1])], 1)).Message.ShouldBe("preference group 0 has 2 outcomes and 1 log-ratios; give one of each for every rollout");
        Should.Throw<CreditException>(() => PreferenceLoss.Of([Group([1], [double.NaN])], 1)).Message.ShouldContain("not finite");
        Should.Throw<CreditException>(() => ImplicitReward.LogRatio([1], [])).Message.ShouldContain("0 numbers for 1 sampled tokens");
        Should.Throw<CreditException>(() => new ProcessRewardOptions(Beta: 0).Validate()).Message.ShouldContain("beta");
        Should.Throw<CreditException>(() => new ProcessRewardOptions(LearningRate: -1).Validate()).Message.ShouldContain("learning_rate");
    }
}
