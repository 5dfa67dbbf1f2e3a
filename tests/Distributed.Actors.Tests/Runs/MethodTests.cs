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
}
