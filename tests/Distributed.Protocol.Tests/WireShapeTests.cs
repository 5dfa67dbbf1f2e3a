namespace Distributed.Protocol.Tests;

/// <summary>Well-formed MessagePack that is no message: each case is refused with a line that names what is wrong.</summary>
public sealed class WireShapeTests
{
    private static readonly WorkerReady Ready = (WorkerReady)WireSamples.ByManifest["wr1"];
    private static readonly RolloutCompleted Completed = (RolloutCompleted)WireSamples.ByManifest["rc1"];
    private static readonly ScoreLeaseGranted Score = (ScoreLeaseGranted)WireSamples.ByManifest["sg1"];
    private static readonly ScoreCompleted Scored = (ScoreCompleted)WireSamples.ByManifest["sc1"];
    private static readonly PolicyPublished Published = (PolicyPublished)WireSamples.ByManifest["pp1"];
    private static readonly PolicyWanted Wanted = (PolicyWanted)WireSamples.ByManifest["pw1"];
    private static readonly RolloutLeaseGranted Granted = (RolloutLeaseGranted)WireSamples.ByManifest["rg1"];

    public static TheoryData<string, IWireMessage> Broken => new()
    {
        { "a node without a name", Ready with { Worker = new NodeId(null!) } },
        { "capacity", Ready with { Capacity = 0 } },
        { "capacity", Ready with { Capacity = int.MaxValue } },
        { "WorkerRole 9", Ready with { Role = (WorkerRole)9 } },
        { "no reason", new LeaseFailed(new LeaseId(1), new LearnerEpoch(1), new NodeId("a"), null!, false) },
        { "no job", Granted with { Job = null! } },
        { "problem -1", Granted with { Job = Granted.Job with { ProblemIndex = -1 } } },
        { "within 0 ms", Granted with { TimeoutMs = 0 } },
        { "attempt -1", Score with { Attempt = -1 } },
        { "no trajectory", Completed with { Trajectory = null! } },
        { "no turns", Completed with { Trajectory = Completed.Trajectory with { Turns = null! } } },
        { "no turn", Completed with { Trajectory = Completed.Trajectory with { Turns = [null!] } } },
        { "golden answer", Completed with { Trajectory = Completed.Trajectory with { GoldenAnswers = [null!] } } },
        { "no prompt tokens", Completed with { Trajectory = Completed.Trajectory with { PromptTokens = null! } } },
        { "token -4", Completed with { Trajectory = Completed.Trajectory with { PromptTokens = [1, -4] } } },
        { "1 log-probabilities for 2 tokens", Completed with { Trajectory = Completed.Trajectory with { Turns = [new TurnRecord([1, 2], [-1f], new PolicyVersion(0), [], false)] } } },
        { "2 log-probabilities of the model for 1 tokens", WithTurn(new TurnRecord([1], [-1f], new PolicyVersion(0), [], false, [-1f, -2f])) },
        { "a run of 0 tokens", WithTurn(new TurnRecord([1], [-1f], new PolicyVersion(0), [], false, null, [new SampledRun(new PolicyVersion(0), 0)])) },
        { "runs of 2 tokens for 1", WithTurn(new TurnRecord([1], [-1f], new PolicyVersion(0), [], false, null, [new SampledRun(new PolicyVersion(0), 2)])) },
        { "of version 1", WithTurn(new TurnRecord([1], [-1f], new PolicyVersion(1), [], false, null, [new SampledRun(new PolicyVersion(0), 1)])) },
        { "runs of 0 tokens", WithTurn(new TurnRecord([], [], new PolicyVersion(1), [], false, null, [])) },
        { "no run of a version", WithTurn(new TurnRecord([1], [-1f], new PolicyVersion(1), [], false, null, [null!])) },
        { "EpisodeEnd 7", Completed with { Trajectory = Completed.Trajectory with { End = (EpisodeEnd)7 } } },
        { "boundary 5 after 2", Score with { Job = Score.Job with { Boundaries = [2, 5] } } },
        { "boundary 2 after 2", Score with { Job = Score.Job with { Boundaries = [2, 2] } } },
        { "answer span 3+2", Score with { Job = Score.Job with { Answers = [new WrappedAnswer([1, 2, 3, 4], 3, 2)] } } },
        { "answer span 0+0", Score with { Job = Score.Job with { Answers = [new WrappedAnswer([1], 0, 0)] } } },
        { "answer span 1+2147483647", Score with { Job = Score.Job with { Answers = [new WrappedAnswer([1], 1, int.MaxValue)] } } },
        { "different numbers of answers", Scored with { Scores = new TurnScores([[1, 2], [1]], new PolicyVersion(0)) } },
        { "no scores of a boundary", Scored with { Scores = new TurnScores([null!], new PolicyVersion(0)) } },
        { "-1 bytes in total", Published with { Manifest = new WeightManifest(-1, []) } },
        { "lies outside", Published with { Manifest = new WeightManifest(8, [new TensorEntry("a", "F32", [1], long.MaxValue, 4, 0)]) } },
        { "no tensor name", Published with { Manifest = new WeightManifest(8, [new TensorEntry(null!, "F32", [1], 0, 4, 0)]) } },
        { "no checksums of ranges", Published with { Ranges = new ImageRanges(8, 4, null!) } },
        { "8 bytes in ranges of 0", Published with { Ranges = new ImageRanges(8, 0, []) } },
        { "-8 bytes in ranges of 4", Published with { Ranges = new ImageRanges(-8, 4, []) } },
        { "1 checksums for 3 ranges", Published with { Ranges = new ImageRanges(9, 4, [1]) } },
        { "no ranges", Published with { Delta = new DeltaOffer(new PolicyVersion(1), null!) } },
        { "2 checksums for 1 ranges", Published with { Delta = new DeltaOffer(new PolicyVersion(1), new ImageRanges(3, 4, [1, 2])) } },
        { "a node without a name", Wanted with { Failed = new NodeId("") } },
    };

    private static RolloutCompleted WithTurn(TurnRecord turn) => Completed with { Trajectory = Completed.Trajectory with { Turns = [turn] } };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_message_that_cannot_be_is_refused_with_the_reason(string reason, IWireMessage message) =>
        Should.Throw<WireFormatException>(() => WireCodec.Decode(WireCodec.ManifestOf(message), WireCodec.Encode(message))).Message.ShouldContain(reason);

    public static TheoryData<string, LedgerSnapshot> BrokenLedgers => new()
    {
        { "no totals", WireSamples.Ledger with { Totals = null! } },
        { "no groups", WireSamples.Ledger with { Groups = null! } },
        { "negative count", WireSamples.Ledger with { Totals = WireSamples.Ledger.Totals with { Trained = -1 } } },
        { "does not ascend", WireSamples.Ledger with { Groups = [.. WireSamples.Ledger.Groups.Reverse()] } },
        { "does not ascend below 13", WireSamples.Ledger with { NextGroup = 13 } },
        { "cannot be", WireSamples.Ledger with { Groups = [new GroupSnapshot(1, [new SlotSnapshot(0, null, new TurnScores([], new PolicyVersion(0)), null)])] } },
    };

    [Theory]
    [MemberData(nameof(BrokenLedgers))]
    public void A_ledger_that_cannot_be_is_refused_with_the_reason(string reason, LedgerSnapshot ledger) =>
        Should.Throw<WireFormatException>(() => WireCodec.DecodeLedger(WireCodec.EncodeLedger(ledger))).Message.ShouldContain(reason);
}
