using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Rollout;
using Distributed.Actors.Scoring;
using Distributed.Actors.Weights;
using Distributed.Protocol;

namespace Distributed.Fabric.Local;

/// <summary>
/// A whole cluster in one process: a learner node, rollout nodes and scorer nodes, each an actor subtree of its own that shares nothing
/// with the others but messages.
/// </summary>
public sealed class LocalCluster : IDisposable
{
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(10);
    private readonly ActorSystem _system;
    private readonly IActorRef _learner;

    private LocalCluster(ActorSystem system, IActorRef learner)
    {
        _system = system;
        _learner = learner;
    }

    /// <summary>Starts the nodes: workers first, so that they are there when the learner publishes.</summary>
    public static LocalCluster Start(
        LearnerSettings learner,
        IReadOnlyList<(RolloutSettings Role, WeightReceiverSettings Weights)> rollouts,
        IReadOnlyList<(ScorerSettings Role, WeightReceiverSettings Weights)> scorers)
    {
        var system = ActorSystem.Create("distributed", NodeConfiguration.Load());
        system.ActorOf(Props.Create(() => new ActorLog(learner.Observer.OnNotice)), "log");
        foreach (var (role, weights) in rollouts)
        {
            var roles = new NodeRoles(Props.Create(() => new RolloutWorkerActor(role)), null, Props.Create(() => new WeightReceiverActor(weights)), null) { Tap = role.Tap };
            system.ActorOf(Props.Create(() => new NodeActor(role.Fabric, roles)), role.Fabric.Self.Value);
        }

        foreach (var (role, weights) in scorers)
        {
            var roles = new NodeRoles(null, Props.Create(() => new ScorerActor(role)), Props.Create(() => new WeightReceiverActor(weights)), null) { Tap = role.Tap };
            system.ActorOf(Props.Create(() => new NodeActor(role.Fabric, roles)), role.Fabric.Self.Value);
        }

        var learnerRoles = new NodeRoles(null, null, null, Props.Create(() => new LearnerNodeActor(learner))) { Tap = learner.Tap };
        var node = system.ActorOf(Props.Create(() => new NodeActor(learner.Fabric, learnerRoles)), learner.Fabric.Self.Value);
        return new LocalCluster(system, node);
    }

    /// <summary>Name of the learner's node.</summary>
    public static NodeId LearnerId { get; } = new("learner");

    /// <summary>The learner finishes its step, keeps a checkpoint and reports the end.</summary>
    public void RequestStop() => _learner.Tell(new LearnerNodeActor.StopRun());

    /// <summary>Ends every actor.</summary>
    public void Dispose()
    {
        _system.Terminate().Wait(ShutdownLimit);
        _system.Dispose();
    }
}
