using Akka.Actor;
using Distributed.Actors;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Fabric.Local;

namespace Distributed.Fabric;

/// <summary>The actors of one node in a process of its own.</summary>
public sealed class NodeSystem : IDisposable
{
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(10);
    private readonly ActorSystem _system;
    private readonly IActorRef _node;

    private NodeSystem(ActorSystem system, IActorRef node)
    {
        _system = system;
        _node = node;
    }

    /// <summary>Starts a node's roles.</summary>
    /// <param name="fabric">The way to the other nodes.</param>
    /// <param name="roles">What it runs.</param>
    /// <param name="notice">A line for people.</param>
    public static NodeSystem Start(IFabric fabric, NodeRoles roles, Action<string> notice)
    {
        var system = ActorSystem.Create("distributed", NodeConfiguration.Load());
        system.ActorOf(Props.Create(() => new ActorLog(notice)), "log");
        return new NodeSystem(system, system.ActorOf(Props.Create(() => new NodeActor(fabric, roles)), fabric.Self.Value));
    }

    /// <summary>The learner finishes its step, keeps a checkpoint and reports the end.</summary>
    public void RequestStop() => _node.Tell(new LearnerNodeActor.StopRun());

    /// <summary>
    /// The node takes no more leases and ends those it has. Completes when the coordinator has settled all of them; what is not done after
    /// <paramref name="grace"/> is handed back.
    /// </summary>
    public Task DrainAsync(TimeSpan grace)
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _node.Tell(new NodeActor.Drain(grace, () => drained.TrySetResult()));
        return drained.Task;
    }

    /// <summary>Ends every actor.</summary>
    public void Dispose()
    {
        _system.Terminate().Wait(ShutdownLimit);
        _system.Dispose();
    }
}
