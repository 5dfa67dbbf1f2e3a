namespace Distributed.Simulation.Faults;

/// <summary>Everything that can be made to go wrong.</summary>
public static class FaultKinds
{
    /// <summary>Part of the messages of a link are lost.</summary>
    public const string Loss = "loss";

    /// <summary>Part of the messages of a link arrive twice.</summary>
    public const string Duplication = "duplication";

    /// <summary>Messages of a link overtake each other.</summary>
    public const string Reordering = "reordering";

    /// <summary>A link is slow.</summary>
    public const string SlowLink = "slow-link";

    /// <summary>Nothing gets through between two nodes.</summary>
    public const string Partition = "partition";

    /// <summary>Nothing gets through from one node to another; the way back is open.</summary>
    public const string OneWayPartition = "one-way-partition";

    /// <summary>Connections break half-way through a range of weights.</summary>
    public const string BrokenTransfers = "broken-transfers";

    /// <summary>Ranges of weights arrive with a changed byte.</summary>
    public const string CorruptTransfers = "corrupt-transfers";

    /// <summary>An engine refuses a kind of request (out of memory).</summary>
    public const string EngineError = "engine-error";

    /// <summary>An engine never answers a kind of request.</summary>
    public const string EngineHang = "engine-hang";

    /// <summary>An engine is slow.</summary>
    public const string SlowEngine = "slow-engine";

    /// <summary>The learner's loss is not a number.</summary>
    public const string NanLoss = "nan-loss";

    /// <summary>A scorer's scores are not numbers.</summary>
    public const string NanScore = "nan-score";

    /// <summary>A node's engine fails at every rollout of one problem.</summary>
    public const string PoisonedJob = "poisoned-job";

    /// <summary>A node's tools throw.</summary>
    public const string ToolThrows = "tool-throws";

    /// <summary>A node's tools hang.</summary>
    public const string ToolHang = "tool-hang";

    /// <summary>A node's tools are slow.</summary>
    public const string SlowTool = "slow-tool";

    /// <summary>The learner's disk is full.</summary>
    public const string DiskFull = "disk-full";

    /// <summary>The learner's disk is slow.</summary>
    public const string SlowDisk = "slow-disk";

    /// <summary>The learner's disk does not answer.</summary>
    public const string DiskHang = "disk-hang";

    /// <summary>The learner's process dies in the middle of writing its next checkpoint.</summary>
    public const string TornCheckpoint = "torn-checkpoint";

    /// <summary>A node's process is killed and started again later with what was on its disk.</summary>
    public const string Crash = "crash";

    /// <summary>A node's process stands still for a while.</summary>
    public const string Pause = "pause";

    /// <summary>A node's clock jumps ahead.</summary>
    public const string ClockJump = "clock-jump";

    /// <summary>One actor crashes at one of its next messages.</summary>
    public const string ActorCrash = "actor-crash";

    /// <summary>A node joins late.</summary>
    public const string Join = "join";

    /// <summary>A node leaves for good: it ends its leases within the seconds given, or it is just gone.</summary>
    public const string Leave = "leave";

    /// <summary>Every node is restarted, one after the other.</summary>
    public const string RollingRestart = "rolling-restart";

    /// <summary>Faults of links; they name a peer.</summary>
    public static IReadOnlyList<string> OnLinks { get; } = [Loss, Duplication, Reordering, SlowLink, Partition, OneWayPartition, BrokenTransfers, CorruptTransfers];

    /// <summary>Faults that name a kind of request or an actor.</summary>
    public static IReadOnlyList<string> WithWhat { get; } = [EngineError, EngineHang, ActorCrash];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Loss, Duplication, Reordering, SlowLink, Partition, OneWayPartition, BrokenTransfers, CorruptTransfers,
        EngineError, EngineHang, SlowEngine, NanLoss, NanScore, PoisonedJob, ToolThrows, ToolHang, SlowTool,
        DiskFull, SlowDisk, DiskHang, TornCheckpoint, Crash, Pause, ClockJump, ActorCrash, Join, Leave, RollingRestart,
    ];
}
