using Distributed.Actors.Tests.Fakes;

namespace Distributed.Actors.Tests.Runs;

/// <summary>Every message type that every actor handles in an undisturbed run.</summary>
public static class Conversations
{
    /// <summary>By actor: messages it sees three times or more whatever the timing, then those it may see less often.</summary>
    private static readonly (string Actor, string[] Often, string[] Rarely)[] Handled =
    [
        ("node", ["WorkerReady", "RolloutCompleted", "ScoreCompleted", "PolicyPublished", "RolloutLeaseGranted", "ScoreLeaseGranted", "LeaseSettled",
            "NodeJoined", "WeightsAsked", "WeightsApplied"], ["PolicyWanted"]),
        ("learner-node", ["WorkerReady", "RolloutCompleted", "ScoreCompleted", "NodeJoined"], ["PolicyWanted", "Done"]),
        ("coordinator", ["WorkerReady", "RolloutCompleted", "ScoreCompleted", "LearnerStepped", "Tick", "NodeJoined"], ["LearnerReady"]),
        ("learner", ["TrainBatch", "Trained", "WeightsRead"], ["Begin", "StartLoaded", "OptimizerRead", "LedgerAt", "Saved", "WorkFinished"]),
        ("weight-publisher", ["PublishWeights", "NodeJoined"], ["PolicyWanted"]),
        ("weight-receiver", ["PolicyPublished", "Fetched", "Loaded", "WeightsAsked", "AskTime"], []),
        ("rollout-worker", ["RolloutLeaseGranted", "LeaseSettled", "EpisodeDone", "WeightsApplied", "Tick"], []),
        ("episode", ["Sampled", "Stepped"], []),
        ("scorer", ["ScoreLeaseGranted", "LeaseSettled", "Scored", "WeightsApplied", "Tick"], []),
    ];

    public static IEnumerable<object[]> All => Handled.SelectMany(row => row.Often.Concat(row.Rarely).Select(message => new object[] { row.Actor, message }));

    public static IEnumerable<object[]> Often => Handled.SelectMany(row => row.Often.Select(message => new object[] { row.Actor, message }));

    /// <summary>Messages that come with time; a run must not be over before them.</summary>
    private static bool IsTimed(string message) => message is "Tick" or "AskTime";

    public static (string Actor, string Message)[] Timed => [.. Handled.SelectMany(row => row.Often.Where(IsTimed).Select(message => (row.Actor, message)))];

    /// <summary>A crash costs no work's result: the run completes with the weights of an undisturbed one.</summary>
    public static void ShouldSurvive(params CrashAt[] plan)
    {
        var tap = new CrashTap(plan);
        var byTime = plan.Any(crash => IsTimed(crash.Message));
        var run = new TrainingRun { Tap = tap, Engine = node => new HashEngine { Fault = kind => { if (byTime && node == "learner" && kind == "train") tap.Await(); return null; } } };
        var outcome = run.Run().ShouldBeWhole();
        outcome.WeightsHash.ShouldBe(Reference.WeightsHash, string.Join('\n', outcome.Notices));
        outcome.Ended.Totals.Dropped.ShouldBeEmpty();
        outcome.Evaluations.Select(evaluation => (evaluation.Version.Value, evaluation.Success))
            .ShouldBe(Reference.Run.Evaluations.Select(evaluation => (evaluation.Version.Value, evaluation.Success)));
        tap.Done.ShouldBe(plan, ignoreOrder: true, customMessage: "the run ended before every planned crash");
    }
}

public sealed class CrashAtTheFirstMessageTests
{
    [Fact]
    public void The_list_of_conversations_is_complete()
    {
        var tap = new CrashTap();
        var run = new TrainingRun { Tap = tap, Engine = _ => new HashEngine { Fault = kind => { if (kind == "train") tap.Await(Conversations.Timed); return null; } } };
        run.Run().ShouldBeWhole();
        var seen = tap.Seen.Keys.Select(pair => $"{pair.Actor} {pair.Message}").Where(pair => pair != "learner-node MemberLost"); // the run's end stops them
        seen.ShouldBe(Conversations.All.Select(pair => $"{pair[0]} {pair[1]}"), ignoreOrder: true);
    }

    [Theory]
    [MemberData(nameof(Conversations.All), MemberType = typeof(Conversations))]
    public void A_crash_at_the_first_message_of_a_kind_changes_nothing(string actor, string message) => Conversations.ShouldSurvive(new CrashAt(actor, message, 1));
}

public sealed class CrashAtTheThirdMessageTests
{
    [Theory]
    [MemberData(nameof(Conversations.Often), MemberType = typeof(Conversations))]
    public void A_crash_at_the_third_message_of_a_kind_changes_nothing(string actor, string message) => Conversations.ShouldSurvive(new CrashAt(actor, message, 3));
}

public sealed class CrashWhileRecoveringTests
{
    // What actors say only when something went wrong: the first crash brings it about, the second hits whoever hears of it.
    [Theory]
    [InlineData("episode", "Sampled", "rollout-worker", "EpisodeLost", 1)]
    [InlineData("episode", "Stepped", "node", "LeaseFailed", 1)]
    [InlineData("episode", "Stepped", "learner-node", "LeaseFailed", 1)]
    [InlineData("episode", "Sampled", "coordinator", "LeaseFailed", 1)]
    [InlineData("learner", "TrainBatch", "learner-node", "MemberLost", 1)]
    [InlineData("coordinator", "LearnerStepped", "learner", "Begin", 2)]
    [InlineData("weight-publisher", "PublishWeights", "weight-receiver", "Loaded", 4)]
    [InlineData("rollout-worker", "RolloutLeaseGranted", "coordinator", "WorkerReady", 9)]
    [InlineData("node", "WorkerReady", "node", "NodeJoined", 14)]
    public void A_second_crash_while_the_first_is_mended_changes_nothing(string actor, string message, string then, string thenMessage, int thenNth) =>
        Conversations.ShouldSurvive(new CrashAt(actor, message, 2), new CrashAt(then, thenMessage, thenNth));

    [Fact]
    public void A_learner_that_crashes_at_every_life_ends_the_run_with_one_line()
    {
        var crashes = Enumerable.Range(1, 4).Select(nth => new CrashAt("learner", "TrainBatch", nth)).ToArray();
        var outcome = (new TrainingRun { Tap = new CrashTap(crashes), MaxLives = 4 }).Run();
        outcome.Error.ShouldNotBeNull();
        outcome.Error.ShouldContain("crashed 4 times, the last time with: injected at learner TrainBatch 4");
        outcome.AfterEnd.ShouldBeNull();
        outcome.Lives.ShouldBe(4);
    }
}
