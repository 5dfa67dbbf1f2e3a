namespace Distributed.Protocol.Tests;

/// <summary>One message of every manifest, with every field set to something that shows in the bytes.</summary>
public static class WireSamples
{
    public static readonly Trajectory Trajectory = new(
        new Slot(12, 3),
        "q-17",
        "2 look-ups",
        ["Ada Lovelace", "Lovelace"],
        [5, 6, 7, 300],
        [
            new TurnRecord([8, 9, 70000], [-0.25f, -1.5f, -3f], new PolicyVersion(4), [10, 11], ToolError: true, [-0.5f, -2f, -4f], [new SampledRun(new PolicyVersion(3), 2), new SampledRun(new PolicyVersion(4), 1)]),
            new TurnRecord([12], [-0.125f], new PolicyVersion(5), [], ToolError: false),
        ],
        EpisodeEnd.Wrong,
        -0.5);

    public static readonly LedgerSnapshot Ledger = new(
        new PolicyVersion(6),
        14,
        new LedgerTotals(56, 40, new SortedDictionary<string, long>(StringComparer.Ordinal) { ["failed"] = 1, ["stale"] = 7 }),
        [
            new GroupSnapshot(12,
            [
                new SlotSnapshot(0, Trajectory, new TurnScores([[-1.5], [-0.5]], new PolicyVersion(6)), null),
                new SlotSnapshot(2, Trajectory, null, null),
                new SlotSnapshot(1, null, null, null),
                new SlotSnapshot(5, null, null, "failed"),
            ]),
            new GroupSnapshot(13, [new SlotSnapshot(0, null, null, null)]),
        ]);

    public static readonly IReadOnlyDictionary<string, IWireMessage> ByManifest = new Dictionary<string, IWireMessage>
    {
        ["wr1"] = new WorkerReady(new NodeId("rollout-2"), WorkerRole.Scorer, new Incarnation(3), 16, new LearnerEpoch(2), new PolicyVersion(41)),
        ["lf1"] = new LeaseFailed(new LeaseId(9), new LearnerEpoch(2), new NodeId("rollout-2"), "the worker is full", Declined: true),
        ["ls1"] = new LeaseSettled(new LearnerEpoch(2), new LeaseId(9)),
        ["rg1"] = new RolloutLeaseGranted(
            new LearnerEpoch(2), new LeaseId(9), new RolloutJob(new Slot(-42, 3), HeldOut: true, 77, 0xFEDCBA9876543210, Greedy: true), 1, 60_000),
        ["rc1"] = new RolloutCompleted(new LeaseId(9), new LearnerEpoch(2), new NodeId("rollout-2"), Trajectory),
        ["sg1"] = new ScoreLeaseGranted(
            new LearnerEpoch(2), new LeaseId(10), new ScoreJob(new Slot(12, 3), [5, 6, 7, 8], [2, 4], [new WrappedAnswer([1, 2, 3, 4], 1, 2)]), 2, 60_000),
        ["sc1"] = new ScoreCompleted(
            new LeaseId(10), new LearnerEpoch(2), new NodeId("scorer-0"), new Slot(12, 3), new TurnScores([[-1.5, -2.5], [-0.25, double.NaN]], new PolicyVersion(41))),
        ["pp1"] = new PolicyPublished(
            new LearnerEpoch(2), new PolicyVersion(42), new NodeId("learner"),
            new WeightManifest(32, [new TensorEntry("a.weight", "F32", [2, 3], 0, 24, 0xDEADBEEF), new TensorEntry("b", "F32", [2], 24, 8, 7)]),
            "http://10.0.0.7:7100", new ImageRanges(32, 20, [0xCAFEBABE, 3]), new DeltaOffer(new PolicyVersion(41), new ImageRanges(9, 20, [0x12345678]))),
        ["pw1"] = new PolicyWanted(new NodeId("scorer-0"), new LearnerEpoch(-1), new PolicyVersion(-1), "http://10.0.0.8:7100", new NodeId("rollout-2")),
    };

    /// <summary>The checked-in bytes of a sample.</summary>
    public static byte[] Golden(string manifest)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "fixtures", "wire", manifest + ".hex");
        return Convert.FromHexString(string.Concat(File.ReadAllText(path).Where(letter => !char.IsWhiteSpace(letter))));
    }
}
