using Distributed.Simulation.Host;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Faults;

/// <summary>
/// A seed's plan. Each seed draws a training, a few kinds of faults out of all (swarm testing, Groce et al. 2012: plans that leave most kinds out
/// reach states that plans with everything do not), and then single faults of these kinds.
/// </summary>
public static class FaultDraw
{
    private const double HealAt = 12;
    private static readonly string[] Requests = ["generate", "score", "train", "load", "read"];
    private static readonly string[] WorkerActors = ["node", "rollout-worker", "episode", "weight-receiver"];
    private static readonly string[] ScorerActors = ["node", "scorer", "weight-receiver"];
    private static readonly string[] LearnerActors = ["node", "learner-node", "learner", "coordinator", "weight-publisher"];

    /// <summary>The plan of a seed.</summary>
    public static FaultPlan Of(ulong seed)
    {
        var streams = new RandomStreams(seed);
        var shape = Shape(streams.Of("shape"));
        var stream = streams.Of("faults");
        var kinds = FaultKinds.All.Where(_ => stream.Chance(0.25)).ToArray();
        if (kinds.Length == 0) kinds = [stream.Pick(FaultKinds.All)];
        var count = 1 + stream.Next(12);
        var faults = new List<PlannedFault>();
        for (var index = 0; index < count; index++)
        {
            var fault = Fault(streams.Of("fault", $"{index}"), stream.Pick(kinds), shape, index);
            // Troubles seldom come alone: what one fault leaves half mended the next one meets.
            if (index > 0 && stream.Chance(0.4)) fault = fault with { At = Math.Min(Math.Round(faults[^1].At + stream.NextDouble() * 1.5, 2), HealAt - 0.5) };
            faults.Add(fault);
        }

        var failover = streams.Of("failover");
        if (failover.Chance(0.1))
        {
            shape = shape with { MaxStalenessSteps = Math.Max(2, shape.MaxStalenessSteps), CheckpointEverySteps = 3 * failover.Next(2), Steps = 8 };
            faults.AddRange(DeafFailover(failover, shape));
        }

        return new FaultPlan
        {
            Seed = seed,
            Order = streams.Of("order").Chance(0.5) ? "uniform" : $"pct:{1 + streams.Of("depth").Next(5)}",
            Shape = shape,
            HealAt = HealAt,
            Faults = [.. faults.OrderBy(fault => fault.At)],
        };
    }

    private static TrainingShape Shape(RandomStream stream)
    {
        var asynchronous = stream.Chance(0.4);
        return new TrainingShape
        {
            TrainingSeed = (ulong)(1 + stream.Next(4)),
            RolloutNodes = 1 + stream.Next(4),
            Scorers = 1 + stream.Next(2),
            Capacity = 1 + stream.Next(4),
            ScorerCapacity = 1 + stream.Next(3),
            Steps = 4 + stream.Next(3) * 2,
            PromptsPerStep = 2 + stream.Next(2) * 2,
            GroupSize = 3 + stream.Next(2),
            MaxStalenessSteps = asynchronous ? 1 + stream.Next(3) : 0,
            PartialRollout = asynchronous && stream.Chance(0.5),
            ThreePolicies = stream.Chance(0.3),
            MiniBatches = 1 + stream.Next(2),
            CheckpointEverySteps = stream.Next(4),
            EvaluationEverySteps = 2 * stream.Next(2),
            EvaluationQuestions = stream.Chance(0.7) ? 5 : 0,
        };
    }

    // A learner is replaced while a worker can be heard but hears nothing: it goes on working for the learner before.
    private static IEnumerable<PlannedFault> DeafFailover(RandomStream stream, TrainingShape shape)
    {
        var at = Math.Round(stream.Between(1, HealAt / 2), 2);
        yield return new PlannedFault(at, FaultKinds.OneWayPartition, "learner") { Peer = $"rollout-{stream.Next(shape.RolloutNodes)}", Seconds = Math.Round(stream.Between(3, 10), 2) };
        yield return new PlannedFault(Math.Round(at + stream.NextDouble(), 2), FaultKinds.Crash, "learner") { Seconds = Math.Round(stream.Between(0.1, 1), 2) };
    }

    private static PlannedFault Fault(RandomStream stream, string kind, TrainingShape shape, int index)
    {
        string[] rollouts = [.. Enumerable.Range(0, shape.RolloutNodes).Select(node => $"rollout-{node}")];
        string[] scorers = [.. Enumerable.Range(0, shape.Scorers).Select(node => $"scorer-{node}")];
        string[] workers = [.. rollouts, .. scorers];
        var node = stream.Pick([.. workers, "learner"]);
        var worker = stream.Chance(0.25) ? "*" : stream.Pick(workers);
        var (at, seconds) = (0.3 + stream.NextDouble() * (HealAt - 1.5), Math.Min(12, 0.3 + stream.Exponential(2.5)));
        var fault = new PlannedFault(Math.Round(at, 2), kind, node) { Seconds = Math.Round(seconds, 2) };
        var toLearner = stream.Chance(0.5);
        var link = fault with { Node = toLearner ? worker : "learner", Peer = toLearner ? "learner" : worker };
        var part = Math.Round(stream.Between(0.1, 0.9), 2);
        switch (kind)
        {
            case FaultKinds.Loss or FaultKinds.Duplication or FaultKinds.BrokenTransfers or FaultKinds.CorruptTransfers: return link with { Amount = part };
            case FaultKinds.Reordering or FaultKinds.SlowLink: return link with { Amount = Math.Round(stream.Between(0.05, 3), 2) };
            case FaultKinds.Partition or FaultKinds.OneWayPartition: return link;
            case FaultKinds.EngineError or FaultKinds.EngineHang:
                var request = stream.Pick(Requests);
                return fault with { Node = request switch { "generate" => stream.Pick(rollouts), "score" => stream.Pick(scorers), "load" => node, _ => "learner" }, What = request };
            case FaultKinds.SlowEngine: return fault with { Amount = Math.Round(stream.Between(2, 20), 1) };
            case FaultKinds.NanLoss: return fault with { Node = "learner" };
            case FaultKinds.NanScore: return fault with { Node = stream.Pick(scorers) };
            case FaultKinds.PoisonedJob: return fault with { Node = stream.Pick(rollouts), Amount = stream.Next(World.DigitEnvironment.TrainProblems) };
            case FaultKinds.ToolThrows or FaultKinds.ToolHang: return fault with { Node = stream.Pick(rollouts) };
            case FaultKinds.SlowTool: return fault with { Node = stream.Pick(rollouts), Amount = Math.Round(stream.Between(3, 30), 1) };
            case FaultKinds.DiskFull or FaultKinds.DiskHang: return fault with { Node = "learner" };
            case FaultKinds.SlowDisk: return fault with { Node = "learner", Amount = Math.Round(stream.Between(3, 40), 1) };
            case FaultKinds.TornCheckpoint: return fault with { Node = "learner", Seconds = Math.Min(4, fault.Seconds) };
            case FaultKinds.ClockJump: return fault with { Amount = Math.Round(stream.Between(0.5, 40), 1), Seconds = 0 };
            case FaultKinds.ActorCrash:
                if (stream.Chance(0.4)) node = "learner";
                var actors = node == "learner" ? LearnerActors : node.StartsWith("rollout", StringComparison.Ordinal) ? WorkerActors : ScorerActors;
                return fault with { Node = node, What = stream.Pick(actors), Amount = 1 + stream.Next(12), Seconds = 0 };
            case FaultKinds.Join: return fault with { Node = $"{(stream.Chance(0.6) ? "rollout" : "scorer")}-late-{index}", Seconds = 0 };
            case FaultKinds.Leave: return fault with { Node = stream.Pick(workers), Seconds = stream.Chance(0.5) ? fault.Seconds : 0 };
            case FaultKinds.RollingRestart: return fault with { Node = "*", Seconds = Math.Round(stream.Between(0.1, 2), 2) };
            default: return fault; // crash, pause
        }
    }
}
