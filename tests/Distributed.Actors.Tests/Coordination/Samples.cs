using Distributed.Actors.Coordination;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Coordination;

/// <summary>Trajectories, scores and options small enough to read.</summary>
public static class Samples
{
    public static readonly NodeId RolloutNode = new("rollout");
    public static readonly NodeId ScorerNode = new("scorer");
    public static readonly LearnerEpoch Epoch = new(3);

    public static CoordinatorOptions Options { get; } = new()
    {
        Seed = 5,
        Steps = 3,
        PromptsPerStep = 2,
        GroupSize = 2,
        LeaseTimeoutMs = 1_000,
        MaxAttempts = 3,
        StallTimeoutMs = 60_000,
    };

    public static Trajectory Trajectory(Slot slot, long version = 0, int turns = 2, double reward = 1, EpisodeEnd end = EpisodeEnd.Correct, string category = "any") => new(
        slot, $"p{slot.Group}", category, ["7"], [1, 2], [.. Enumerable.Range(0, turns).Select(turn => new TurnRecord([3, 4], [-1f, -2f], new PolicyVersion(version), turn == turns - 1 ? [] : [5], false))],
        end, reward);

    public static TurnScores Scores(int boundaries = 2, long version = 0) => new([.. Enumerable.Range(0, boundaries).Select(boundary => new[] { -2.0 + boundary })], new PolicyVersion(version));

    public static WorkerReady Ready(NodeId node, WorkerRole role, long version = 0, int capacity = 8, long incarnation = 1, LearnerEpoch? epoch = null) =>
        new(node, role, new Incarnation(incarnation), capacity, epoch ?? Epoch, new PolicyVersion(version));

    public static RolloutCompleted Completed(RolloutLeaseGranted granted, NodeId? worker = null, Trajectory? trajectory = null) =>
        new(granted.Lease, granted.Epoch, worker ?? RolloutNode, trajectory ?? Trajectory(granted.Job.Slot));

    public static ScoreCompleted Completed(Effect.GrantScore granted, TurnScores? scores = null) =>
        new(granted.Lease, Epoch, ScorerNode, granted.Trajectory.Slot, scores ?? Scores(granted.Trajectory.Turns.Length));

    public static IReadOnlyList<RolloutLeaseGranted> Grants(this IReadOnlyList<Effect> effects) =>
        [.. effects.OfType<Effect.Send>().Select(send => send.Message).OfType<RolloutLeaseGranted>()];

    public static IReadOnlyList<LeaseSettled> Settled(this IReadOnlyList<Effect> effects) =>
        [.. effects.OfType<Effect.Send>().Select(send => send.Message).OfType<LeaseSettled>()];

    public static IReadOnlyList<Effect.GrantScore> ScoreGrants(this IReadOnlyList<Effect> effects) => [.. effects.OfType<Effect.GrantScore>()];

    public static TrainBatch? Batch(this IReadOnlyList<Effect> effects) => effects.OfType<Effect.Train>().SingleOrDefault()?.Batch;

    public static IReadOnlyList<string> Notices(this IReadOnlyList<Effect> effects) => [.. effects.OfType<Effect.Notice>().Select(notice => notice.Line)];
}
