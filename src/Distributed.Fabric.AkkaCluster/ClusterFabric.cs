using System.Collections.Concurrent;
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>
/// A node's view of an Akka.Cluster. The learner is named by what it is, not by where it runs: messages to it go to the singleton, wherever that stands.
/// Safe to use from any thread.
/// </summary>
public sealed class ClusterFabric : IFabric
{
    private readonly ConcurrentDictionary<NodeId, ICanTell> _routes = new();
    private readonly IActorRef _actor;
    private long _undelivered;

    internal ClusterFabric(NodeId self, ActorSystem system)
    {
        Self = self;
        _actor = system.ActorOf(Props.Create(() => new ClusterFabricActor(this)), ClusterFabricActor.Name);
    }

    /// <inheritdoc/>
    public NodeId Self { get; }

    /// <summary>Messages to nodes that are not here, dropped as any network would, and messages that came before a node's actors were there.</summary>
    public long Undelivered => Interlocked.Read(ref _undelivered);

    /// <inheritdoc/>
    public void Tell(NodeId to, IWireMessage message)
    {
        var envelope = new WireEnvelope(Self, message);
        if (to == Self) _actor.Tell(envelope, ActorRefs.NoSender);
        else if (_routes.TryGetValue(to, out var route)) route.Tell(envelope, ActorRefs.NoSender);
        else CountUndelivered();
    }

    /// <inheritdoc/>
    public void Attach(IActorRef node) => _actor.Tell(new ClusterFabricActor.Attach(node), ActorRefs.NoSender);

    internal void Route(NodeId node, ICanTell route) => _routes[node] = route;

    internal void Unroute(NodeId node) => _routes.TryRemove(node, out _);

    internal void CountUndelivered() => Interlocked.Increment(ref _undelivered);
}
