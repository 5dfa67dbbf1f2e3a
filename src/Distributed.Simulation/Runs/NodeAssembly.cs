using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Ports;
using Distributed.Protocol;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Runs;

/// <summary>Puts a process's roles together as the composition root of a real node does, out of simulated parts.</summary>
internal sealed record NodeAssembly(TrainingShape Shape, SimulatedNode Node, SimulatedProcess Process, IFabric Fabric, IWeightTransport Transport, IMessageTap Tap)
{
    private static readonly DigitEnvironment Environment = new();
    private static readonly CharacterTokenizer Tokenizer = new();

    /// <summary>The learner's node.</summary>
    public static NodeId Learner { get; } = new("learner");

    public static EnvironmentFormat Format => Environment.Format;

    public static ScoreJobBuilder ScoreJobs { get; } = new(Tokenizer, Environment.Format.AnswerPrefix, Environment.Format.AnswerSuffix, allAliases: false);

    private TimeSpan Announce => TimeSpan.FromMilliseconds(Shape.AnnounceMs);

    // Higher than every number an earlier process of the node has used: the disk counts processes.
    private IncarnationSource Incarnations => new(Process.Number * 1_000_000L);

    public NodeRoles Worker(Action<string> notice)
    {
        var weights = new WeightReceiverSettings
        {
            Fabric = Fabric,
            Learner = Learner,
            Engine = Node.Engine!,
            Transport = Transport,
            Notice = notice,
            Tap = Tap,
            RangesInFlight = 2,
            AskAgain = Announce,
            DownloadTimeout = TimeSpan.FromMilliseconds(Shape.DownloadTimeoutMs),
        };
        var receiver = Props.Create(() => new WeightReceiverActor(weights));
        return Node.Kind == NodeKind.Rollout
            ? new NodeRoles(RolloutRole(), null, receiver, null) { Tap = Tap }
            : new NodeRoles(null, ScorerRole(), receiver, null) { Tap = Tap };
    }

    public static NodeRoles LearnerRole(LearnerSettings settings) => new(null, null, null, Props.Create(() => new LearnerNodeActor(settings))) { Tap = settings.Tap };

    private Props RolloutRole()
    {
        var settings = new RolloutSettings
        {
            Fabric = Fabric,
            Learner = Learner,
            Engine = Node.Engine!,
            Tokenizer = Tokenizer,
            Environment = Environment,
            Episodes = Node.Tools!,
            Sampling = new SamplingOptions(),
            PartialRollout = Shape.PartialRollout,
            Capacity = Shape.Capacity,
            Incarnations = Incarnations,
            Tap = Tap,
            Announce = Announce,
        };
        return Props.Create(() => new RolloutWorkerActor(settings));
    }

    private Props ScorerRole()
    {
        var settings = new ScorerSettings
        {
            Fabric = Fabric,
            Learner = Learner,
            Engine = Node.Engine!,
            Capacity = Shape.ScorerCapacity,
            Incarnations = Incarnations,
            Tap = Tap,
            Announce = Announce,
        };
        return Props.Create(() => new ScorerActor(settings));
    }
}
