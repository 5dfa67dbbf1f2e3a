// ClusterFabric: the node's end of the cluster.
// Owns: who is a member under which name, and the way to each.
// Promises: the attached actor hears of every other node once when it joins, once when it does not answer, once when it does again, once when it is gone; a
// member that comes back as another process under the same name is reported as gone in between. Standbys of the learner are not reported: the
// learner is one node, here as long as any process could run it. A node that answers this one is not taken for unreachable on another's word: whoever was cut
// off says so of everybody.
// May lose: messages for the node while nothing is attached, and those to a node that does not answer; they are counted.
// Restarted by: the guardian; the subscription then replays the members, and nodes that left meanwhile are not reported (their leases have deadlines).
using Akka.Actor;
using Akka.Cluster;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>Translates membership into the words of <see cref="IFabric"/> and takes in what other nodes tell this one.</summary>
internal sealed class ClusterFabricActor : UntypedActor, IWithTimers
{
    public const string Name = "fabric";

    /// <summary>Prefix of the cluster role that names a node.</summary>
    public const string NodeRole = "node-";

    private readonly ClusterFabric _fabric;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly Dictionary<NodeId, Seen> _nodes = [];
    private readonly List<Member> _learners = [];
    private readonly Dictionary<UniqueAddress, Member> _doubted = []; // unreachable for another node, not for this one; at most one entry a member
    private bool _isUp;
    private IActorRef _attached = ActorRefs.Nobody;

    public ClusterFabricActor(ClusterFabric fabric) => _fabric = fabric;

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Everything for this node goes to this actor from now on.</summary>
    public sealed record Attach(IActorRef Node) : INoSerializationVerificationNeeded;

    private sealed record LookAgain : INoSerializationVerificationNeeded;

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
            case ClusterEvent.MemberUp up when up.Member.UniqueAddress.Equals(_cluster.SelfUniqueAddress): OnSelfUp(); break;
            case ClusterEvent.MemberUp up: OnHere(up.Member); break;
            // One that comes and goes quickly may be seen first when it is leaving.
            case ClusterEvent.MemberLeft left: OnHere(left.Member); break;
            case ClusterEvent.MemberExited exited: OnHere(exited.Member); break;
            case ClusterEvent.ReachableMember reachable:
                _doubted.Remove(reachable.Member.UniqueAddress);
                OnHere(reachable.Member);
                break;
            case ClusterEvent.UnreachableMember unreachable: OnSaidUnreachable(unreachable.Member); break;
            case LookAgain: OnLookAgain(); break;
            case ClusterEvent.MemberRemoved removed: OnRemoved(removed.Member, inOrder: removed.PreviousStatus == MemberStatus.Exiting); break;
            case ClusterEvent.IClusterDomainEvent: break; // members that are joining are not here yet, downed ones are about to be removed
            default: Unhandled(message); break;
        }
    }

    private void OnAttach(IActorRef node)
    {
        _attached = node;
        if (_isUp) OnSelfUp();
    }

    // Others are reported once they can know this node as well.
    private void OnSelfUp()
    {
        _isUp = true;
        _fabric.ReportMember(AddressOf(_cluster.SelfMember), _cluster.SelfUniqueAddress.Uid, isHere: true);
        foreach (var (id, seen) in _nodes.OrderBy(pair => pair.Key))
            if (seen.Reachable) _attached.Tell(new NodeJoined(id));
    }

    private void Report(object change)
    {
        if (_isUp) _attached.Tell(change);
    }

    private void OnHere(Member member)
    {
        if (member.Status is not (MemberStatus.Up or MemberStatus.Leaving or MemberStatus.Exiting) || NodeOf(member) is not { } node) return;
        _fabric.ReportMember(AddressOf(member), member.UniqueAddress.Uid, isHere: true);
        if (node == ClusterNode.LearnerId)
        {
            _learners.RemoveAll(learner => learner.UniqueAddress.Equals(member.UniqueAddress));
            _learners.Add(member);
            // A standby's coming says nothing of the learner.
            if (_nodes.ContainsKey(node) && !Oldest().UniqueAddress.Equals(member.UniqueAddress)) return;
        }

        if (node == _fabric.Self) return;
        SetRoute(node, member);
        if (_nodes.TryGetValue(node, out var seen))
        {
            var isSame = node == ClusterNode.LearnerId || seen.Member.Equals(member.UniqueAddress);
            if (isSame && seen.Reachable) return;
            if (!isSame) Report(new NodeLeft(node));
        }

        _nodes[node] = new Seen(member.UniqueAddress, Reachable: true);
        if (node == ClusterNode.LearnerId) _fabric.ReportLearner(isReachable: true);
        Report(new NodeJoined(node));
    }

    // The learner is where its singleton is: with the oldest of those that can be it.
    private void SetRoute(NodeId node, Member member)
    {
        if (node == ClusterNode.LearnerId) member = Oldest();
        _fabric.Route(node, Context.ActorSelection(new RootActorPath(member.Address) / "user" / Name));
    }

    private Member Oldest() => _learners.Aggregate((oldest, next) => next.IsOlderThan(oldest) ? next : oldest);

    private void OnSaidUnreachable(Member member)
    {
        if (!Answers(member))
        {
            OnUnreachable(member);
            return;
        }

        _doubted[member.UniqueAddress] = member;
        if (!Timers.IsTimerActive(nameof(LookAgain))) Timers.StartPeriodicTimer(nameof(LookAgain), new LookAgain(), TimeSpan.FromSeconds(1));
    }

    private void OnLookAgain()
    {
        foreach (var member in _doubted.Values.Where(member => !Answers(member)).ToArray())
        {
            _doubted.Remove(member.UniqueAddress);
            OnUnreachable(member);
        }

        if (_doubted.Count == 0) Timers.Cancel(nameof(LookAgain));
    }

    // Each node listens to its nine neighbours, and in a small cluster to all.
    private bool Answers(Member member) => _cluster.FailureDetector.IsMonitoring(member.Address) && _cluster.FailureDetector.IsAvailable(member.Address);

    private void OnUnreachable(Member member)
    {
        if (NodeOf(member) is not { } node || !_nodes.TryGetValue(node, out var seen) || !seen.Reachable) return;
        if (!(node == ClusterNode.LearnerId ? Oldest().UniqueAddress : seen.Member).Equals(member.UniqueAddress)) return;
        _nodes[node] = seen with { Reachable = false };
        _fabric.Unroute(node); // Akka.Remote would keep what is told to it, without a bound
        if (node == ClusterNode.LearnerId) _fabric.ReportLearner(isReachable: false);
        Report(new NodeUnreachable(node));
    }

    private void OnRemoved(Member member, bool inOrder)
    {
        _doubted.Remove(member.UniqueAddress);
        if (NodeOf(member) is not { } node) return;
        _fabric.ReportMember(AddressOf(member), member.UniqueAddress.Uid, isHere: false);
        if (node == ClusterNode.LearnerId)
        {
            OnLearnerRemoved(member, inOrder);
            return;
        }

        if (!_nodes.TryGetValue(node, out var seen) || !seen.Member.Equals(member.UniqueAddress)) return;
        _nodes.Remove(node);
        _fabric.Unroute(node);
        Report(new NodeLeft(node));
    }

    private void OnLearnerRemoved(Member member, bool inOrder)
    {
        _learners.RemoveAll(learner => learner.UniqueAddress.Equals(member.UniqueAddress));
        if (_learners.Count > 0)
        {
            if (_fabric.Self == ClusterNode.LearnerId) return;
            SetRoute(ClusterNode.LearnerId, member);
            // The next one answers, whatever was thought of the former.
            if (_nodes.TryGetValue(ClusterNode.LearnerId, out var former) && !former.Reachable) OnHere(Oldest());
            return;
        }

        _fabric.ReportLearner(isReachable: false);
        _fabric.ReportLearnersGone(inOrder);
        _fabric.Unroute(ClusterNode.LearnerId);
        if (_nodes.Remove(ClusterNode.LearnerId)) Report(new NodeLeft(ClusterNode.LearnerId));
    }

    private static string AddressOf(Member member) => $"{member.Address.Host}:{member.Address.Port}";

    private static NodeId? NodeOf(Member member)
    {
        if (member.HasRole(ClusterNode.LearnerRole)) return ClusterNode.LearnerId;
        var name = member.Roles.FirstOrDefault(role => role.StartsWith(NodeRole, StringComparison.Ordinal));
        return name == null ? null : new NodeId(name[NodeRole.Length..]);
    }
}
