// ClusterFabric: the node's end of the cluster.
// Owns: who is a member under which name, and the way to each.
// Promises: the attached actor hears of every other node once when it joins, once when it does not answer, once when it does again, once when it is gone; a
// member that comes back as another process under the same name is reported as gone in between. Standbys of the learner are not reported: the
// learner is one node, here as long as any process could run it.
// May lose: messages for the node while nothing is attached; they are counted.
// Restarted by: the guardian; the subscription then replays the members, and nodes that left meanwhile are not reported (their leases have deadlines).
using Akka.Actor;
using Akka.Cluster;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>Translates membership into the words of <see cref="IFabric"/> and takes in what other nodes tell this one.</summary>
internal sealed class ClusterFabricActor : UntypedActor
{
    public const string Name = "fabric";

    /// <summary>Prefix of the cluster role that names a node.</summary>
    public const string NodeRole = "node-";

    private readonly ClusterFabric _fabric;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly Dictionary<NodeId, Seen> _nodes = [];
    private readonly HashSet<UniqueAddress> _learners = [];
    private IActorRef _attached = ActorRefs.Nobody;

    public ClusterFabricActor(ClusterFabric fabric) => _fabric = fabric;

    /// <summary>Everything for this node goes to this actor from now on.</summary>
    public sealed record Attach(IActorRef Node) : INoSerializationVerificationNeeded;

    private sealed record Seen(UniqueAddress Member, bool Reachable);

    protected override void PreStart() => _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
        typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WireEnvelope:
                if (_attached.IsNobody()) _fabric.CountUndelivered();
                else _attached.Tell(message);
                break;
            case Attach attach: OnAttach(attach.Node); break;
            case ClusterEvent.MemberUp up: OnHere(up.Member); break;
            case ClusterEvent.ReachableMember reachable: OnHere(reachable.Member); break;
            case ClusterEvent.UnreachableMember unreachable: OnUnreachable(unreachable.Member); break;
            case ClusterEvent.MemberRemoved removed: OnRemoved(removed.Member); break;
            case ClusterEvent.IClusterDomainEvent: break; // joining, leaving and exiting members are still what they were
            default: Unhandled(message); break;
        }
    }

    private void OnAttach(IActorRef node)
    {
        _attached = node;
        foreach (var (id, seen) in _nodes.OrderBy(pair => pair.Key))
            if (seen.Reachable) node.Tell(new NodeJoined(id));
    }

    private void OnHere(Member member)
    {
        if (member.Status is not (MemberStatus.Up or MemberStatus.Leaving or MemberStatus.Exiting)) return;
        if (NodeOf(member) is not { } node) return;
        if (node == ClusterNode.LearnerId) _learners.Add(member.UniqueAddress);
        if (node == _fabric.Self) return;
        if (_nodes.TryGetValue(node, out var seen))
        {
            if (node == ClusterNode.LearnerId ? seen.Reachable : seen.Member.Equals(member.UniqueAddress) && seen.Reachable) return;
            if (node != ClusterNode.LearnerId && !seen.Member.Equals(member.UniqueAddress)) _attached.Tell(new NodeLeft(node));
        }

        _nodes[node] = new Seen(member.UniqueAddress, Reachable: true);
        if (node != ClusterNode.LearnerId) _fabric.Route(node, Context.ActorSelection(new RootActorPath(member.Address) / "user" / Name));
        _attached.Tell(new NodeJoined(node));
    }

    private void OnUnreachable(Member member)
    {
        if (NodeOf(member) is not { } node || !_nodes.TryGetValue(node, out var seen) || !seen.Member.Equals(member.UniqueAddress) || !seen.Reachable) return;
        _nodes[node] = seen with { Reachable = false };
        _attached.Tell(new NodeUnreachable(node));
    }

    private void OnRemoved(Member member)
    {
        if (NodeOf(member) is not { } node) return;
        if (node == ClusterNode.LearnerId)
        {
            _learners.Remove(member.UniqueAddress);
            if (_learners.Count > 0) return;
        }

        if (!_nodes.TryGetValue(node, out var seen) || (node != ClusterNode.LearnerId && !seen.Member.Equals(member.UniqueAddress))) return;
        _nodes.Remove(node);
        if (node != ClusterNode.LearnerId) _fabric.Unroute(node);
        _attached.Tell(new NodeLeft(node));
    }

    private static NodeId? NodeOf(Member member)
    {
        if (member.HasRole(ClusterNode.LearnerRole)) return ClusterNode.LearnerId;
        var name = member.Roles.FirstOrDefault(role => role.StartsWith(NodeRole, StringComparison.Ordinal));
        return name == null ? null : new NodeId(name[NodeRole.Length..]);
    }
}
