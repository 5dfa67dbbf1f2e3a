using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>A node as the spreading of weights sees it.</summary>
internal sealed class PullingNode(NodeId id)
{
    public NodeId Id => id;

    /// <summary>The newest version it has of this epoch; -1 if none.</summary>
    public PolicyVersion Has { get; set; } = new(-1);

    /// <summary>Where others can pull from it; null if they cannot.</summary>
    public string? Address { get; set; }

    /// <summary>From whom it pulls the newest version now.</summary>
    public NodeId? Source { get; set; }

    /// <summary>When it was last told so.</summary>
    public TimeSpan SentAt { get; set; }

    /// <summary>Whether it pulls the delta.</summary>
    public bool AsDelta { get; set; }

    /// <summary>Whether it has the delta to the newest version.</summary>
    public bool HasDelta { get; set; }

    /// <summary>Nodes that pull from it now.</summary>
    public int Pulls { get; set; }

    /// <summary>Peers that failed it for this version.</summary>
    public HashSet<NodeId> Failed { get; } = [];

    /// <summary>The lists it stands in.</summary>
    public PullBook.Lists In { get; set; }
}

/// <summary>
/// What every node has and from whom it pulls, with the lists from which sources are assigned kept up to date, so that a message costs the logarithm of the number of
/// nodes and not all of them. A node is changed through <see cref="Change"/> and <see cref="Pull"/> alone.
/// </summary>
internal sealed class PullBook(WeightSpreadOptions options, NodeId learner)
{
    private static readonly IComparer<PullingNode> ByName = Comparer<PullingNode>.Create((a, b) => a.Id.CompareTo(b.Id));
    private static readonly IComparer<PullingNode> ByPulls = Comparer<PullingNode>.Create((a, b) => a.Pulls != b.Pulls ? a.Pulls.CompareTo(b.Pulls) : a.Id.CompareTo(b.Id));
    private readonly Dictionary<NodeId, PullingNode> _nodes = [];
    private readonly SortedSet<PullingNode> _waiting = new(ByName);
    private readonly SortedSet<PullingNode> _waitingAfterFailure = new(ByName);
    private readonly SortedSet<PullingNode> _free = new(ByPulls);
    private readonly SortedSet<PullingNode> _freeWithDelta = new(ByPulls);
    private PolicyVersion _newest = new(-1);

    /// <summary>Lists of the book.</summary>
    [Flags]
    internal enum Lists
    {
        None = 0,
        Waiting = 1,
        WaitingAfterFailure = 2,
        Free = 4,
        FreeWithDelta = 8,
        Serving = 16,
    }

    /// <summary>Nodes that pull from the learner now.</summary>
    public int FromLearner { get; private set; }

    /// <summary>Nodes that have the newest version or will soon, and can be pulled from.</summary>
    public int Serving { get; private set; }

    /// <summary>Whether any node can serve one more.</summary>
    public bool HasFree => _free.Count > 0;

    /// <summary>The first node that has neither the newest version nor a source; null if there is none.</summary>
    public PullingNode? FirstWaiting => _waiting.Min;

    /// <summary>The first of those that was failed by a peer; null if there is none.</summary>
    public PullingNode? FirstWaitingAfterFailure => _waitingAfterFailure.Min;

    /// <summary>The node of a name, known from now on.</summary>
    public PullingNode Of(NodeId id)
    {
        if (_nodes.TryGetValue(id, out var node)) return node;
        _nodes.Add(id, node = new PullingNode(id));
        Enter(node);
        return node;
    }

    /// <summary>A new version: nobody pulls it yet.</summary>
    public void Begin(PolicyVersion version)
    {
        _newest = version;
        (FromLearner, Serving) = (0, 0);
        foreach (var list in new[] { _waiting, _waitingAfterFailure, _free, _freeWithDelta }) list.Clear();
        foreach (var node in _nodes.Values)
        {
            (node.Source, node.Pulls, node.HasDelta, node.In) = (null, 0, false, Lists.None);
            node.Failed.Clear();
            Enter(node);
        }
    }

    /// <summary>Something about a node is different; not its source.</summary>
    public void Change(PullingNode node, Action<PullingNode> change)
    {
        Leave(node);
        change(node);
        Enter(node);
    }

    /// <summary>A node pulls from a source, or no longer from any.</summary>
    public void Pull(PullingNode node, NodeId? source)
    {
        if (node.Source == source) return;
        Count(node.Source, -1);
        Change(node, changed => changed.Source = source);
        Count(source, +1);
    }

    /// <summary>A waiting node is left out until it is changed.</summary>
    public void PassOver(PullingNode node) => Leave(node);

    /// <summary>A node is gone; who pulled from it waits again.</summary>
    public void Forget(NodeId id)
    {
        if (!_nodes.TryGetValue(id, out var node)) return;
        Pull(node, null);
        Leave(node);
        _nodes.Remove(id);
        foreach (var other in _nodes.Values)
            if (other.Source == id) Pull(other, null);
    }

    /// <summary>The least busy node that can serve another; one with the delta before all others if that is what it <paramref name="wantsDelta"/>.</summary>
    public PullingNode? FreeFor(PullingNode node, bool wantsDelta) =>
        (wantsDelta ? _freeWithDelta.FirstOrDefault(peer => !node.Failed.Contains(peer.Id)) : null) ?? _free.FirstOrDefault(peer => !node.Failed.Contains(peer.Id));

    private void Count(NodeId? source, int change)
    {
        if (source is not { } id) return;
        if (id == learner) FromLearner += change;
        else if (_nodes.TryGetValue(id, out var node)) Change(node, changed => changed.Pulls += change);
    }

    private void Enter(PullingNode node)
    {
        var hasNewest = node.Has.Value >= _newest.Value;
        var into = Lists.None;
        if (!hasNewest && node.Source == null)
        {
            into |= Lists.Waiting;
            if (node.Failed.Count > 0) into |= Lists.WaitingAfterFailure;
        }

        if (node.Address != null && (hasNewest || node.Source != null)) into |= Lists.Serving;
        if (hasNewest && node.Address != null && node.Pulls < options.PullsFromPeer) into |= node.HasDelta ? Lists.Free | Lists.FreeWithDelta : Lists.Free;
        node.In = into;
        if (into.HasFlag(Lists.Waiting)) _waiting.Add(node);
        if (into.HasFlag(Lists.WaitingAfterFailure)) _waitingAfterFailure.Add(node);
        if (into.HasFlag(Lists.Free)) _free.Add(node);
        if (into.HasFlag(Lists.FreeWithDelta)) _freeWithDelta.Add(node);
        if (into.HasFlag(Lists.Serving)) Serving++;
    }

    private void Leave(PullingNode node)
    {
        if (node.In.HasFlag(Lists.Waiting)) _waiting.Remove(node);
        if (node.In.HasFlag(Lists.WaitingAfterFailure)) _waitingAfterFailure.Remove(node);
        if (node.In.HasFlag(Lists.Free)) _free.Remove(node);
        if (node.In.HasFlag(Lists.FreeWithDelta)) _freeWithDelta.Remove(node);
        if (node.In.HasFlag(Lists.Serving)) Serving--;
        node.In = Lists.None;
    }
}
