using System.Collections.Concurrent;
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>
/// A node's view of an Akka.Cluster. The learner is named by what it is, not by where it runs: messages to it go to the process that has the singleton, the
/// oldest of those that can be the learner. (Akka's singleton proxy would do the same, but drops or holds back what is sent before it has looked around.)
/// Safe to use from any thread.
/// </summary>
public sealed class ClusterFabric : IFabric
{
    private readonly ConcurrentDictionary<NodeId, ICanTell> _routes = new();
    private readonly ConcurrentDictionary<string, int> _members = new();
    private readonly TaskCompletionSource<bool> _learnersGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
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
        if (to == Self) Deliver(envelope);
        else if (_routes.TryGetValue(to, out var route)) route.Tell(envelope, ActorRefs.NoSender);
        else CountUndelivered();
    }

    /// <inheritdoc/>
    public void Attach(IActorRef node) => _actor.Tell(new ClusterFabricActor.Attach(node), ActorRefs.NoSender);

    /// <summary>Completes when the last process that could be the learner is no longer a member: true if it left in order, false if it was downed.</summary>
    public Task<bool> LearnersGone => _learnersGone.Task;

    /// <summary>Whether the learner's process is a member that answers.</summary>
    public bool IsLearnerReachable { get; private set; }

    /// <summary>Addresses of the members, as <c>HOST:PORT</c>.</summary>
    public IReadOnlyCollection<string> Members => [.. _members.Keys];

    internal void Deliver(WireEnvelope envelope) => _actor.Tell(envelope, ActorRefs.NoSender);

    internal void ReportLearner(bool isReachable) => IsLearnerReachable = isReachable;

    internal void ReportLearnersGone(bool inOrder) => _learnersGone.TrySetResult(inOrder);

    /// <summary>Whether a process (<see cref="ClusterNode.Instance"/>) is a member.</summary>
    public bool HasMember(int instance) => _members.Values.Contains(instance);

    internal void ReportMember(string address, int instance, bool isHere)
    {
        if (isHere) _members[address] = instance;
        else ((ICollection<KeyValuePair<string, int>>)_members).Remove(new(address, instance)); // a new life may be there already
    }

    internal void Route(NodeId node, ICanTell route) => _routes[node] = route;

    internal void Unroute(NodeId node) => _routes.TryRemove(node, out _);

    internal void CountUndelivered() => Interlocked.Increment(ref _undelivered);
}
