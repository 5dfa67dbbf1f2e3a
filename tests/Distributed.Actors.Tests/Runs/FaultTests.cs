using Distributed.Actors.Ports;
using Distributed.Actors.Tests.Fakes;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Runs;

/// <summary>What stands behind the ports fails; the actors carry on.</summary>
public sealed class FaultTests
{
    [Theory]
    [InlineData("rollout", "generate", 1)]
    [InlineData("rollout", "generate", 7)]
    [InlineData("rollout", "load", 1)]
    [InlineData("rollout", "load", 3)]
    [InlineData("scorer-0", "score", 1)]
    [InlineData("scorer-0", "score", 4)]
    [InlineData("scorer-0", "load", 2)]
    [InlineData("learner", "load", 1)]
    [InlineData("learner", "load-optimizer", 1)]
    [InlineData("learner", "train", 1)]
    [InlineData("learner", "train", 6)]
    [InlineData("learner", "read", 1)]
    [InlineData("learner", "read", 3)]
    [InlineData("learner", "read-optimizer", 1)]
    [InlineData("learner", "read-optimizer", 2)]
    public void An_engine_that_fails_once_changes_nothing(string node, string kind, int nth)
    {
        var faults = new FaultOnce(node, kind, nth);
        var outcome = (new TrainingRun { Engine = faults.Engine }).Run().ShouldBeWhole();
        faults.Happened.ShouldBeTrue();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash, string.Join('\n', outcome.Notices));
    }

    [Theory]
    [InlineData("rollout", "generate")]
    [InlineData("scorer-0", "score")]
    [InlineData("rollout", "load")]
    public void A_request_that_is_never_answered_is_given_up_and_done_again(string node, string kind)
    {
        var silent = new FaultOnce(node, kind, 2);
        var run = new TrainingRun { Engine = name => new HashEngine { Silent = request => silent.Hits(name, request) }, DownloadTimeout = TimeSpan.FromMilliseconds(300) };
        var outcome = (run with { Options = run.Options with { LeaseTimeoutMs = 600 } }).Run().ShouldBeWhole();
        silent.Happened.ShouldBeTrue();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash, string.Join('\n', outcome.Notices));
    }

    [Theory]
    [InlineData("learner", "train", "the learner trains version 1")]
    [InlineData("learner", "load", "the learner waits for the engine to load its weights")]
    [InlineData("learner", "read-optimizer", "the learner waits for checkpoint ")]
    public void A_learner_engine_that_hangs_ends_the_run_with_a_line_that_names_what_is_waited_for(string node, string kind, string waits)
    {
        var run = new TrainingRun { Engine = name => new HashEngine { Silent = request => name == node && request == kind } };
        var outcome = (run with { Options = run.Options with { StallTimeoutMs = 1_000 } }).Run();
        outcome.Error.ShouldNotBeNull();
        outcome.Error.ShouldContain(waits);
        outcome.Error.ShouldContain("no progress for");
    }

    [Fact]
    public void A_run_without_workers_says_so_and_ends()
    {
        var run = new TrainingRun { RolloutNodes = 0, Scorers = 0 };
        var outcome = (run with { Options = run.Options with { StallTimeoutMs = 300 } }).Run();
        outcome.Error.ShouldNotBeNull();
        outcome.Error.ShouldContain("the evaluation of version 0 waits for 5 episodes; no worker has offered itself");
    }

    [Fact]
    public void A_tool_that_throws_is_an_observation()
    {
        var calls = 0;
        var environment = new DigitEnvironment { OnStep = (action, _) => { if (action.StartsWith('L') && Interlocked.Increment(ref calls) == 3) throw new InvalidOperationException("broken tool"); } };
        var outcome = (new TrainingRun { Environment = environment, Options = new TrainingRun().Options with { EvaluationQuestions = 0 } }).Run().ShouldBeWhole();
        var failed = outcome.Steps.SelectMany(step => step.Rollouts).SelectMany(rollout => rollout.Trajectory.Turns).Where(turn => turn.ToolError).ShouldHaveSingleItem();
        new CharacterTokenizer().Decode(failed.ObservationTokens).ShouldBe("?;");
    }

    [Fact]
    public void A_tool_that_hangs_is_an_observation_after_its_time_limit()
    {
        var calls = 0;
        var environment = new DigitEnvironment
        {
            StepLimit = TimeSpan.FromMilliseconds(200),
            OnStep = (action, cancel) => { if (action.StartsWith('L') && Interlocked.Increment(ref calls) == 3) cancel.WaitHandle.WaitOne(TimeSpan.FromSeconds(20)); },
        };
        var outcome = (new TrainingRun { Environment = environment, Options = new TrainingRun().Options with { EvaluationQuestions = 0 } }).Run().ShouldBeWhole();
        outcome.Steps.SelectMany(step => step.Rollouts).SelectMany(rollout => rollout.Trajectory.Turns).Count(turn => turn.ToolError).ShouldBeGreaterThanOrEqualTo(1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Corrupt_weights_are_refused_and_fetched_again(int nth)
    {
        var transport = new CorruptOnce(nth);
        var outcome = (new TrainingRun { Transport = transport.Around }).Run().ShouldBeWhole();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash);
        outcome.Notices.ShouldContain(notice => notice.Contains("has a wrong checksum"));
    }

    [Fact]
    public void A_range_nobody_asked_for_is_refused_and_the_version_fetched_again()
    {
        var transport = new CorruptOnce(2, range => range with { Offset = range.Offset + 1 });
        var outcome = (new TrainingRun { Transport = transport.Around }).Run().ShouldBeWhole();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash);
        outcome.Notices.ShouldContain(notice => notice.Contains("that was not asked for"));
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_saved_ends_the_run_with_one_clear_line()
    {
        var store = new MemoryCheckpoints { Refuse = version => version == 4 ? "checkpoints/4: no space left on the disk" : null };
        var outcome = (new TrainingRun { Store = store }).Run();
        outcome.Error.ShouldBe("checkpoint 4 could not be saved: checkpoints/4: no space left on the disk");
        outcome.AfterEnd.ShouldBeNull();
        store.Kept.Select(checkpoint => checkpoint.Version).ShouldBe([2L]);
    }

    [Fact]
    public void A_checkpoint_that_is_never_saved_ends_the_run_with_one_clear_line()
    {
        var run = new TrainingRun { Store = new MemoryCheckpoints { Silent = version => version == 4 } };
        var outcome = (run with { Options = run.Options with { StallTimeoutMs = 1_000 } }).Run();
        outcome.Error.ShouldBe("no progress for 1 s: the learner waits for checkpoint 4 to be saved");
    }

    [Fact]
    public void A_node_that_leaves_in_mid_run_takes_nothing_with_it()
    {
        TrainingRun.Levers? levers = null;
        var tap = new CrashTap();
        var run = new TrainingRun { Tap = tap, WhenStarted = given => levers = given };
        tap.Watch = (actor, message) => { if (actor == "learner" && message == "TrainBatch") levers?.Network.Remove(new NodeId("rollout-1")); };
        run.Run().ShouldBeWhole().WeightsHash.ShouldBe(Reference.WeightsHash);
        tap.Seen.Keys.ShouldContain(("coordinator", "NodeLeft"));
        tap.Seen.Keys.ShouldContain(("weight-publisher", "NodeLeft"));
    }

    [Fact]
    public void A_node_that_was_only_unreachable_is_taken_back()
    {
        TrainingRun.Levers? levers = null;
        var tap = new CrashTap();
        var run = new TrainingRun { Tap = tap, RolloutNodes = 1, WhenStarted = given => levers = given };
        tap.Watch = (actor, message) => { if (actor == "episode" && message == "Stepped") levers?.TellLearnerNode(new NodeUnreachable(new NodeId("rollout-0"))); };
        var outcome = (run with { Options = run.Options with { MaxAttempts = 1000 } }).Run().ShouldBeWhole();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash);
    }

    [Fact]
    public void Updates_that_are_not_finite_are_skipped_and_said_and_end_the_run_after_too_many()
    {
        var run = new TrainingRun();
        var outcome = (run with { Learning = run.Learning with { Optimizer = _ => new OptimizerOptions(float.NaN), MaxSkippedSteps = 2 } }).Run();
        outcome.Error.ShouldNotBeNull();
        outcome.Error.ShouldContain("3 updates in a row");
        outcome.Notices.Count(notice => notice.Contains("is not finite; the update is skipped and the weights stay")).ShouldBe(3);
    }

    /// <summary>Answers one request of a node with an error.</summary>
    private sealed class FaultOnce(string node, string kind, int nth)
    {
        private int _count;

        public bool Happened => _count >= nth;

        public HashEngine Engine(string name) => new() { Fault = request => Hits(name, request) ? new EngineError($"injected: {kind}") : null };

        public bool Hits(string name, string request) => Counts(name) && request == kind && Interlocked.Increment(ref _count) == nth;

        // Which rollout node gets how much work is a matter of timing, so the n-th request of any of them is the one.
        private bool Counts(string name) => node == "rollout" ? name.StartsWith("rollout-", StringComparison.Ordinal) : name == node;
    }

    /// <summary>Changes the n-th range on its way; one byte unless told otherwise.</summary>
    private sealed class CorruptOnce(int nth, Func<FetchedRange, FetchedRange>? change = null)
    {
        private int _fetched;

        public IWeightTransport Around(IWeightTransport inner) => new Tampered(this, inner);

        private FetchedRange Pass(FetchedRange range)
        {
            // Two nodes fetch at once: each fetch takes a number of its own, so that exactly one is the nth.
            if (Interlocked.Increment(ref _fetched) != nth) return range;
            if (change != null) return change(range);
            var bytes = range.Bytes.ToArray();
            bytes[^1] ^= 0x40;
            return range with { Bytes = bytes };
        }

        private sealed class Tampered(CorruptOnce owner, IWeightTransport inner) : IWeightTransport
        {
            public string? Address => inner.Address;

            public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes) => inner.Offer(image, bytes);

            public void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply) =>
                inner.Fetch(source, image, offset, length, range => reply(owner.Pass(range)));
        }
    }
}
