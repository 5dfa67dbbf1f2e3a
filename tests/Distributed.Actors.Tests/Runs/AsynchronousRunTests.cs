using Distributed.Actors.Learning;
using Distributed.Actors.Tests.Fakes;
using Distributed.Credit;

namespace Distributed.Actors.Tests.Runs;

/// <summary>Sampling and training at the same time: order is up to chance, the promises are not.</summary>
public sealed class AsynchronousRunTests
{
    private static TrainingRun Asynchronous => new()
    {
        RolloutNodes = 3,
        Scorers = 2,
        Options = new TrainingRun().Options with { MaxStalenessSteps = 2, Steps = 12, EvaluationQuestions = 0 },
    };

    [Fact]
    public void A_run_ends_with_no_sample_too_old_and_none_trained_twice()
    {
        var outcome = Asynchronous.Run().ShouldBeWhole();
        outcome.Steps.Count.ShouldBe(12);
        outcome.Ended.Totals.Planned.ShouldBe(12 * 2 * 3);
        outcome.Ended.Totals.Dropped.Keys.ShouldBeSubsetOf(["stale", "group_too_small"]);
    }

    [Theory]
    [InlineData("coordinator", "RolloutCompleted", 20)]
    [InlineData("learner", "Trained", 9)]
    [InlineData("rollout-worker", "EpisodeDone", 10)]
    [InlineData("scorer", "ScoreLeaseGranted", 3)]
    [InlineData("weight-receiver", "Loaded", 7)]
    [InlineData("node", "RolloutLeaseGranted", 11)]
    [InlineData("learner-node", "RolloutCompleted", 15)]
    public void A_crash_loses_nothing_and_trains_nothing_twice(string actor, string message, int nth)
    {
        var tap = new CrashTap(new CrashAt(actor, message, nth));
        (Asynchronous with { Tap = tap }).Run().ShouldBeWhole();
        tap.Done.Count.ShouldBe(1);
    }

    [Fact]
    public void A_stopped_run_resumes_with_nothing_skipped_and_nothing_twice()
    {
        var store = new MemoryCheckpoints();
        TrainingRun.Levers? levers = null;
        var tap = new CrashTap();
        tap.Watch = (actor, message) => { if ((actor, message) is ("learner", "TrainBatch") && tap.Seen.GetValueOrDefault(("learner", "TrainBatch")) >= 4) levers?.Cluster.RequestStop(); };
        var stopped = (Asynchronous with { Store = store, Tap = tap, WhenStarted = given => levers = given }).Run().ShouldBalance();
        stopped.Error.ShouldBeNull();
        var resumed = (Asynchronous with { Store = store, Resume = true }).Run().ShouldBeWhole();
        var trained = stopped.Steps.Concat(resumed.Steps).SelectMany(step => step.Rollouts).Select(rollout => rollout.Trajectory.Slot).ToArray();
        trained.Distinct().Count().ShouldBe(trained.Length);
        (trained.Length + resumed.Ended.Totals.Dropped.GetValueOrDefault("stale") + resumed.Ended.Totals.Dropped.GetValueOrDefault("group_too_small")).ShouldBe(12 * 2 * 3);
    }

    [Fact]
    public void Log_probabilities_computed_anew_correct_for_the_older_policy()
    {
        var learning = new TrainingRun().Learning;
        var outcome = (Asynchronous with
        {
            Learning = learning with { UseRolloutLogProbs = false, Correction = new RolloutCorrectionOptions(RolloutIs.Token) },
        }).Run().ShouldBeWhole();
        outcome.Steps.ShouldAllBe(step => step.Metrics.ContainsKey("mismatch_kl"));
    }
}
