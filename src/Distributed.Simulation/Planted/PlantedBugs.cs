using Distributed.Actors.Ports;
using Distributed.Protocol;
using Distributed.Simulation.Runs;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Planted;

/// <summary>A protocol bug as people really make it, to be found by the simulator.</summary>
/// <param name="Name">Its name on the command line and in plans.</param>
/// <param name="Meaning">What is wrong.</param>
/// <param name="Parts">A cluster that has it.</param>
public sealed record PlantedBug(string Name, string Meaning, Func<ClusterParts> Parts);

/// <summary>
/// Bugs that prove that the simulator finds bugs. Each sits in a part the simulator puts into the cluster in place of the real one; production code has no switch for them.
/// </summary>
public static class PlantedBugs
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("ack-before-durable", "a checkpoint is acknowledged before it is written", () => new ClusterParts { AcknowledgesEarly = true }),
        new("torn-checkpoint-read", "a checkpoint is written in place, and a half-written one is taken for whole", () => new ClusterParts { Disk = () => new InPlaceDisk() }),
        new("no-dedup-at-sink", "the sink counts arrivals: a second answer for a slot fills another slot of its group", () => new ClusterParts { Rules = Bugs.CountsArrivals }),
        new("lost-lease-on-rejoin", "the leases of a worker that comes back under a new number are forgotten", () => new ClusterParts { Rules = Bugs.ForgetsLeases }),
        new("stale-epoch-accepted", "answers of an older learner's epoch are taken", () => new ClusterParts { Rules = Bugs.TakesOldEpochs }),
        new("admission-bound-lost", "twice as many groups are planned as admission allows", () => new ClusterParts { Rules = Bugs.PlansTooMuch }),
        new("staleness-off-by-one", "a sample may be one version older than asked for", () => new ClusterParts { Coordinator = options => options with { MaxStalenessSteps = options.MaxStalenessSteps + 1 } }),
        new("deadline-lost", "a lease's deadline never comes", () => new ClusterParts { Coordinator = options => options with { LeaseTimeoutMs = 100_000_000 } }),
        new("weights-swap-mid-turn", "new weights take effect inside a turn that is recorded as theirs", () => Engine(EngineBug.SwapsMidTurn)),
        new("load-acknowledged-early", "an engine says that it has the new weights while it still samples with the old ones", () => Engine(EngineBug.AcknowledgesLoadEarly)),
        new("optimizer-not-restored", "a resumed learner goes on with whatever the optimizer holds", () => Engine(EngineBug.ForgetsOptimizer)),
        new("sequences-never-released", "episodes leave their sequences in the engine's cache", () => Engine(EngineBug.KeepsSequences)),
        new("epoch-forgotten", "a learner process that starts again does not know the epochs used before", () => new ClusterParts { LastEpoch = _ => 0 }),
        new("seed-by-attempt", "a job that is issued again samples with another seed", () => new ClusterParts { Deliver = SeedByAttempt }),
    ];

    /// <summary>The parts of a cluster with a bug planted.</summary>
    /// <exception cref="FormatException">There is no such bug.</exception>
    public static ClusterParts Of(string? name) => name == null
        ? new ClusterParts()
        : All.FirstOrDefault(bug => bug.Name == name)?.Parts() ?? throw new FormatException($"there is no planted bug '{name}'; there are {string.Join(", ", All.Select(bug => bug.Name))}");

    private static ClusterParts Engine(EngineBug bug) => new()
    {
        Engine = (host, stream, times, node) => new SimulatedEngine(host, stream, times, node.EngineFaults) { Bug = bug },
    };

    private static IEnumerable<WireEnvelope> SeedByAttempt(NodeId to, WireEnvelope envelope) =>
        [envelope.Message is RolloutLeaseGranted { Attempt: > 0 } granted ? envelope with { Message = granted with { Job = granted.Job with { Seed = granted.Job.Seed + (ulong)granted.Attempt } } } : envelope];
}
