namespace Distributed.Simulation.Faults;

/// <summary>
/// What a set of seeds must have met to be worth anything: every kind of fault, and every way back to health. A path nobody took is a path nobody tested.
/// </summary>
public static class Coverage
{
    private static readonly string[] Faults =
    [
        "actor-crash:coordinator", "actor-crash:episode", "actor-crash:learner-node", "actor-crash:node", "actor-crash:rollout-worker", "actor-crash:scorer",
        "actor-crash:weight-publisher", "actor-crash:weight-receiver", "clock-jump", "crash:Learner", "crash:Rollout", "crash:Scorer", "disk-full", "disk-hang", "duplication",
        "engine-error:generate", "engine-error:load", "engine-error:read", "engine-error:score", "engine-error:train", "engine-hang:generate", "engine-hang:load",
        "engine-hang:read", "engine-hang:score", "engine-hang:train", "join", "leave", "loss", "nan-loss", "nan-score", "partition", "pause:Learner", "pause:Rollout", "pause:Scorer",
        "poisoned-job", "reordering", "rolling-restart", "slow-disk", "slow-link", "slow-tool", "tool-hang", "tool-late", "tool-throws", "torn-checkpoint", "transfer-broken",
        "transfer-corrupt", "transfer-cut",
    ];

    private static readonly string[] Paths =
    [
        "answer-repeated", "checkpoint-left-out", "checksum-refused", "download-broke", "download-late", "download-refused", "download-timed-out", "drained", "dropped:failed", "dropped:group_too_small",
        "dropped:non_finite", "dropped:stale", "learner-new-life", "learner-started-by-operator", "lease-declined", "lease-failed", "lease-late", "reachable-again",
        "restarted:Learner", "restarted:Rollout", "restarted:Scorer", "resumed-from-checkpoint", "rollout-tried-again", "run-given-up", "save-failed", "score-tried-again",
        "scoring-given-up", "settled-again", "slot-given-up", "stall-named", "torn-checkpoint-passed-over", "unreachable", "update-skipped", "version-no-longer-kept", "worker-reborn",
        "worker-under-new-epoch",
    ];

    /// <summary>Every fault and path there must be, by the name it is counted under.</summary>
    public static IReadOnlyList<string> Wanted { get; } = [.. Faults.Select(fault => $"fault:{fault}"), .. Paths.Select(path => $"path:{path}")];

    /// <summary>What a set of runs never met.</summary>
    public static IReadOnlyList<string> Missing(IReadOnlyDictionary<string, long> counters) => [.. Wanted.Where(name => !counters.ContainsKey(name))];
}
