using Distributed.Actors.Tests.Fakes;
using Distributed.Credit;

namespace Distributed.Actors.Tests.Runs;

public sealed class MethodTests
{
    [Fact]
    public void A_method_without_gains_needs_no_scorer()
    {
        var run = new TrainingRun { Scorers = 0 };
        var outcome = (run with { Options = run.Options with { NeedsScores = false }, Learning = run.Learning with { Estimator = new Grpo(new GrpoOptions()) } }).Run().ShouldBeWhole();
        outcome.WeightsHash.ShouldNotBe(Reference.WeightsHash);
    }

    [Fact]
    public void Groups_without_anything_to_teach_are_dropped_with_that_reason()
    {
        var run = new TrainingRun();
        var outcome = (run with
        {
            Options = run.Options with { Steps = 8, NeedsScores = false },
            Learning = run.Learning with { Estimator = new Grpo(new GrpoOptions()), Filter = new GroupFilterOptions(FilterGroups: true) },
        }).Run().ShouldBeWhole();
        outcome.Ended.Totals.Dropped.Keys.ShouldBe(["filtered"]);
        outcome.Ended.Totals.Trained.ShouldBe(8 * 2 * 3 - outcome.Ended.Totals.Dropped["filtered"]);
    }

    [Fact]
    public void The_ratio_is_taken_against_the_models_own_log_probabilities_whatever_the_temperature()
    {
        var plain = new TrainingRun().Run().ShouldBeWhole();
        var tempered = (new TrainingRun() with { Engine = _ => new HashEngine { Tempered = true } }).Run().ShouldBeWhole();
        tempered.Steps.SelectMany(step => step.Rollouts).SelectMany(rollout => rollout.Trajectory.Turns).ShouldContain(turn => turn.ModelLogProbs != null);
        tempered.WeightsHash.ShouldBe(plain.WeightsHash);
        foreach (var name in new[] { "loss", "clip_fraction", "train_rollout_logprob_abs_diff", "mismatch_kl" })
            tempered.Steps.Select(step => step.Metrics[name]).ShouldBe(plain.Steps.Select(step => step.Metrics[name]), name);
    }

    [Fact]
    public void Log_probabilities_computed_anew_give_the_same_run_twice()
    {
        TrainingRun Run() => new TrainingRun() with { Learning = new TrainingRun().Learning with { UseRolloutLogProbs = false } };
        Run().Run().ShouldBeWhole().WeightsHash.ShouldBe(Run().Run().ShouldBeWhole().WeightsHash);
    }

    [Fact]
    public void A_progress_head_needs_no_scorer_and_goes_on_from_a_checkpoint()
    {
        var whole = WithProgress(new MemoryCheckpoints()).Run().ShouldBeWhole();
        whole.Steps.ShouldAllBe(step => step.Metrics.ContainsKey("progress/mse"));
        var store = new MemoryCheckpoints();
        store.Save(whole.Store.Kept.First(checkpoint => checkpoint.Version == 2), _ => { });
        var resumed = (WithProgress(store) with { Resume = true }).Run().ShouldBeWhole();
        resumed.WeightsHash.ShouldBe(whole.WeightsHash);
        resumed.Store.Kept[^1].Progress.ToArray().ShouldBe(whole.Store.Kept[^1].Progress.ToArray());
    }

    [Fact]
    public void A_head_that_starts_anew_in_the_middle_of_a_run_gives_another_run()
    {
        var store = new MemoryCheckpoints();
        store.Save(WithProgress(new MemoryCheckpoints()).Run().ShouldBeWhole().Store.Kept.First(checkpoint => checkpoint.Version == 2) with { Progress = default }, _ => { });
        (WithProgress(store) with { Resume = true }).Run().ShouldBeWhole().WeightsHash.ShouldNotBe(WithProgress(new MemoryCheckpoints()).Run().WeightsHash);
    }

    [Fact]
    public void Rollouts_too_far_off_policy_are_dropped_with_that_reason()
    {
        var run = new TrainingRun();
        var outcome = (run with { Learning = run.Learning with { UseRolloutLogProbs = false, Rejection = RejectionRule.Parse("seq_mean_k2", "0.05") } }).Run().ShouldBeWhole();
        outcome.Ended.Totals.Dropped.Keys.ShouldBe(["rejected"]);
        outcome.Ended.Totals.Trained.ShouldBeGreaterThan(0);
        outcome.Steps.Sum(step => step.Metrics["rollout_rs/rejected_sequences"]).ShouldBe(outcome.Ended.Totals.Dropped["rejected"]);
    }

    [Fact]
    public void A_process_reward_model_needs_no_scorer_and_goes_on_from_a_checkpoint()
    {
        var whole = WithProcessReward(new MemoryCheckpoints()).Run().ShouldBeWhole();
        whole.Steps.ShouldAllBe(step => step.Metrics["process_reward/pairs"] > 0);
        whole.Steps.SelectMany(step => step.Rollouts).ShouldAllBe(rollout => rollout.ProcessReward.All(reward => reward != null));
        var store = new MemoryCheckpoints();
        store.Save(whole.Store.Kept.First(checkpoint => checkpoint.Version == 2), _ => { });
        var resumed = (WithProcessReward(store) with { Resume = true }).Run().ShouldBeWhole();
        resumed.WeightsHash.ShouldBe(whole.WeightsHash);
        resumed.Store.Kept[^1].Progress.ToArray().ShouldBe(whole.Store.Kept[^1].Progress.ToArray());

        store = new MemoryCheckpoints();
        store.Save(whole.Store.Kept.First(checkpoint => checkpoint.Version == 2) with { Progress = default }, _ => { });
        (WithProcessReward(store) with { Resume = true }).Run().ShouldBeWhole().WeightsHash.ShouldNotBe(whole.WeightsHash, "a model that starts anew rewards otherwise");
    }

    [Theory]
    [InlineData("Loaded")]
    [InlineData("Reward")]
    [InlineData("Scored")]
    [InlineData("Trained")]
    [InlineData("StateWanted")]
    [InlineData("OptimizerRead")]
    public void A_crash_of_the_process_reward_model_begins_a_new_life_and_costs_no_work(string message)
    {
        var crash = new CrashAt("process-reward", message, 1);
        var tap = new CrashTap(crash);
        var outcome = (WithProcessReward(new MemoryCheckpoints()) with { Tap = tap }).Run().ShouldBeWhole();
        tap.Done.ShouldBe([crash]);
        outcome.WeightsHash.ShouldBe(WithProcessReward(new MemoryCheckpoints()).Run().ShouldBeWhole().WeightsHash, string.Join('\n', outcome.Notices));
    }

    [Fact]
    public void An_update_of_the_process_reward_model_that_is_not_finite_is_said_and_skipped()
    {
        var run = WithProcessReward(new MemoryCheckpoints());
        var outcome = (run with { Learning = run.Learning with { ProcessReward = new ProcessRewardOptions(LearningRate: 1e300) } }).Run().ShouldBeWhole();
        outcome.Notices.ShouldContain(line => line.StartsWith("the process reward model's loss", StringComparison.Ordinal) && line.EndsWith("its update is skipped and its weights stay", StringComparison.Ordinal));
    }

    private static TrainingRun WithProcessReward(MemoryCheckpoints store)
    {
        var run = new TrainingRun { Scorers = 0, Store = store };
        return run with
        {
            Options = run.Options with { NeedsScores = false },
            Learning = run.Learning with { Estimator = new Istar(new IstarOptions()), ProcessReward = new ProcessRewardOptions(Epochs: 2) },
        };
    }

    private static TrainingRun WithProgress(MemoryCheckpoints store)
    {
        var run = new TrainingRun { Scorers = 0, Store = store };
        return run with
        {
            Options = run.Options with { NeedsScores = false },
            Learning = run.Learning with { Estimator = new Igpo(new IgpoOptions()), Progress = new ProgressOptions(HiddenUnits: 2) },
        };
    }
}
