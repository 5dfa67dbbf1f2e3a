using Distributed.Actors.Tests.Fakes;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Runs;

public sealed class ResumeTests
{
    [Fact]
    public void A_run_resumed_from_a_checkpoint_ends_with_the_weights_of_an_undisturbed_one()
    {
        var store = new MemoryCheckpoints();
        store.Save(Reference.Run.Store.Kept.First(checkpoint => checkpoint.Version == 2), _ => { });
        var outcome = (new TrainingRun { Store = store, Resume = true }).Run().ShouldBeWhole();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash);
        outcome.Steps.Select(step => step.Version.Value).ShouldBe([3L, 4]);
        outcome.Ended.Totals.ShouldBeEquivalentTo(Reference.Run.Ended.Totals);
        store.Kept[^1].Epoch.ShouldBeGreaterThan(store.Kept[0].Epoch);
    }

    [Fact]
    public void A_finished_run_resumed_does_nothing_but_say_so()
    {
        var outcome = (new TrainingRun { Store = Reference.Run.Store, Resume = true }).Run().ShouldBeWhole();
        outcome.Steps.ShouldBeEmpty();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash);
    }

    [Fact]
    public void A_run_not_asked_to_resume_begins_at_the_start_even_if_there_are_checkpoints() =>
        (new TrainingRun { Store = Copy(Reference.Run.Store) }).Run().ShouldBeWhole().Steps.Count.ShouldBe(4);

    [Theory]
    [InlineData(null)]
    [InlineData("node")]
    [InlineData("learner-node")]
    [InlineData("learner")]
    public void A_run_asked_to_stop_keeps_a_checkpoint_at_which_a_second_run_resumes(string? crashAtStop)
    {
        var store = new MemoryCheckpoints();
        TrainingRun.Levers? levers = null;
        var tap = crashAtStop == null ? new CrashTap() : new CrashTap(new CrashAt(crashAtStop, crashAtStop == "learner" ? "Stop" : "StopRun", 1));
        tap.Watch = (actor, message) =>
        {
            // A crash at the node itself loses the message; whoever asked asks again.
            if ((actor, message) is ("learner", "TrainBatch") && (tap.Seen.Keys.Contains(("learner", "LedgerAt")) || crashAtStop != null)) levers?.Cluster.RequestStop();
        };
        var stopped = (new TrainingRun { Store = store, Tap = tap, WhenStarted = given => levers = given }).Run();

        stopped.Error.ShouldBeNull(string.Join('\n', stopped.Notices));
        stopped.AfterEnd.ShouldBeNull();
        stopped.Ended.Version.Value.ShouldBeLessThan(4);
        store.Kept[^1].Version.ShouldBe(stopped.Ended.Version.Value);
        stopped.ShouldBalance();
        if (crashAtStop != null) tap.Done.Count.ShouldBe(1);

        var resumed = (new TrainingRun { Store = store, Resume = true }).Run().ShouldBeWhole();
        resumed.WeightsHash.ShouldBe(Reference.WeightsHash);
        var trained = stopped.Steps.Concat(resumed.Steps).SelectMany(step => step.Rollouts).Select(rollout => rollout.Trajectory.Slot).ToArray();
        trained.Distinct().Count().ShouldBe(trained.Length);
    }

    [Fact]
    public void A_run_asked_to_stop_between_steps_ends_at_once_with_its_finished_rollouts_kept()
    {
        var store = new MemoryCheckpoints();
        TrainingRun.Levers? levers = null;
        var tap = new CrashTap();
        tap.Watch = (actor, message) => { if ((actor, message) is ("coordinator", "ScoreCompleted")) levers?.Cluster.RequestStop(); };
        var run = new TrainingRun { Store = store, Tap = tap, WhenStarted = given => levers = given };
        var stopped = run.Run();
        stopped.Error.ShouldBeNull();
        stopped.Ended.Version.Value.ShouldBeLessThan(4);
        var ledger = WireCodec.DecodeLedger(store.Kept[^1].Ledger);
        ledger.Version.Value.ShouldBe(stopped.Ended.Version.Value);
        (new TrainingRun { Store = store, Resume = true }).Run().ShouldBeWhole().WeightsHash.ShouldBe(Reference.WeightsHash);
    }

    [Theory]
    [InlineData("ledger bytes")]
    [InlineData("ledger version")]
    public void A_checkpoint_whose_ledger_does_not_fit_is_refused_with_one_line(string broken)
    {
        var store = new MemoryCheckpoints();
        var good = Reference.Run.Store.Kept[0];
        store.Save(broken == "ledger bytes" ? good with { Ledger = new byte[] { 1, 2, 3 } } : good with { Version = 3 }, _ => { });
        var outcome = (new TrainingRun { Store = store, Resume = true }).Run();
        outcome.Error.ShouldNotBeNull();
        outcome.Error.ShouldContain(broken == "ledger bytes" ? "'ledger' frame of 3 bytes cannot be read" : "checkpoint 3 holds the ledger of version 2");
        outcome.Lives.ShouldBe(0);
    }

    private static MemoryCheckpoints Copy(MemoryCheckpoints store)
    {
        var copy = new MemoryCheckpoints();
        foreach (var checkpoint in store.Kept) copy.Save(checkpoint, _ => { });
        return copy;
    }
}
