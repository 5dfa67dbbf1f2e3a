using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>A node is to pull the newest version from a source.</summary>
/// <param name="Node">Who.</param>
/// <param name="Source">From whom: the learner's node or a peer.</param>
/// <param name="Address">The peer's address; null for the learner.</param>
/// <param name="AsDelta">Whether the source has, and the node can use, the delta.</param>
public readonly record struct PullAssignment(NodeId Node, NodeId Source, string? Address, bool AsDelta);

/// <summary>
/// Who pulls the newest version of one epoch from whom. The first few pull from the learner, the others from nodes that have it, each source serving a bounded number at once;
/// those for whom there is no source yet wait until one reports. So what leaves the learner does not grow with the number of nodes, and all have the version after a number of
/// rounds that grows with its logarithm. A node that could not pull from a peer is not sent there again for this version and may fall back to the learner. Pure:
/// messages and time go in, assignments come out.
/// </summary>
public sealed class WeightSpread(WeightSpreadOptions options, LearnerEpoch epoch, NodeId learner)
{
    private sealed class Node
    {
        public PolicyVersion Has { get; set; } = new(-1);
        public string? Address { get; set; }
        public NodeId? Source { get; set; }
        public TimeSpan SentAt { get; set; }
        public bool AsDelta { get; set; }
        public bool HasDelta { get; set; }
        public HashSet<NodeId> Failed { get; } = [];
    }

    private readonly SortedDictionary<NodeId, Node> _nodes = [];
    private PolicyVersion _newest = new(-1);
    private PolicyVersion? _since;
    private int _fromLearner;

    /// <summary>A new version; <paramref name="deltaSince"/> is the one its delta leads from, null if it has none.</summary>
    public IReadOnlyList<PullAssignment> Publish(PolicyVersion version, PolicyVersion? deltaSince, TimeSpan now)
    {
        (_newest, _since, _fromLearner) = (version, deltaSince, 0);
        foreach (var node in _nodes.Values)
        {
            node.Source = null;
            node.HasDelta = false;
            node.Failed.Clear();
        }

        return Assign(now);
    }

    /// <summary>A node that pulled from an earlier learner of this process is here.</summary>
    public void Expect(NodeId node) => _nodes.TryAdd(node, new Node());

    /// <summary>A node says what it has. The assignments may be for others too: it may have become a source, or left a place free.</summary>
    public IReadOnlyList<PullAssignment> Heard(PolicyWanted wanted, TimeSpan now)
    {
        if (!_nodes.TryGetValue(wanted.Node, out var node)) _nodes.Add(wanted.Node, node = new Node());
        node.Has = wanted.Epoch == epoch ? wanted.Version : new PolicyVersion(-1);
        node.Address = wanted.Address;
        if (wanted.Failed is { } failed)
        {
            if (failed != learner) node.Failed.Add(failed);
            node.Source = null;
        }

        if (node.Has.Value >= _newest.Value)
        {
            node.HasDelta |= node.Source != null && node.AsDelta;
            node.Source = null;
        }
        else if (node.Source is { } source)
        {
            // It asks although it was told: the notice was lost.
            node.SentAt = now;
            return [Assignment(wanted.Node, node, source), .. Assign(now)];
        }

        return Assign(now);
    }

    /// <summary>A node is gone or does not answer.</summary>
    public IReadOnlyList<PullAssignment> Lost(NodeId node, TimeSpan now)
    {
        _nodes.Remove(node);
        foreach (var other in _nodes.Values)
            if (other.Source == node) other.Source = null;
        return Assign(now);
    }

    private List<PullAssignment> Assign(TimeSpan now)
    {
        var assignments = new List<PullAssignment>();
        if (_newest.Value < 0) return assignments;
        var pulls = new Dictionary<NodeId, int>();
        foreach (var node in _nodes.Values)
        {
            if (node.Source != null && now - node.SentAt > options.PullLimit) node.Source = null;
            if (node.Source is { } source) pulls[source] = pulls.GetValueOrDefault(source) + 1;
        }

        var free = _nodes.Where(node => HasNewest(node.Value) && node.Value.Address != null && pulls.GetValueOrDefault(node.Key) < options.PullsFromPeer).Select(node => node.Key).ToList();
        var serving = _nodes.Values.Count(IsServing);
        foreach (var (id, node) in _nodes)
        {
            if (node.Source != null || HasNewest(node)) continue;
            if (free.Count == 0 && pulls.GetValueOrDefault(learner) >= options.PullsFromLearner) break;
            if ((PeerFor(node, free, pulls) ?? (MayPullFromLearner(node, serving, pulls) ? learner : null)) is not { } source) continue;
            if (!IsServing(node) && node.Address != null) serving++; // it will be a source soon
            (node.Source, node.SentAt) = (source, now);
            node.AsDelta = WantsDelta(node) && (source == learner || _nodes[source].HasDelta);
            pulls[source] = pulls.GetValueOrDefault(source) + 1;
            if (source == learner) _fromLearner++;
            else if (pulls[source] >= options.PullsFromPeer) free.Remove(source);
            assignments.Add(Assignment(id, node, source));
        }

        return assignments;
    }

    private bool HasNewest(Node node) => node.Has.Value >= _newest.Value;

    private bool IsServing(Node node) => node.Address != null && (HasNewest(node) || node.Source != null);

    private bool WantsDelta(Node node) => _since is { } since && node.Has == since;

    // The one with the fewest pulls; one with the delta before one without, if that is what the node can use.
    private NodeId? PeerFor(Node node, List<NodeId> free, Dictionary<NodeId, int> pulls)
    {
        NodeId? best = null;
        var bestRank = (Missing: true, Pulls: int.MaxValue);
        foreach (var peer in free)
        {
            if (node.Failed.Contains(peer)) continue;
            var rank = (Missing: WantsDelta(node) && !_nodes[peer].HasDelta, Pulls: pulls.GetValueOrDefault(peer));
            if (best == null || rank.CompareTo(bestRank) < 0) (best, bestRank) = (peer, rank);
        }

        return best;
    }

    private bool MayPullFromLearner(Node node, int serving, Dictionary<NodeId, int> pulls) =>
        pulls.GetValueOrDefault(learner) < options.PullsFromLearner && (_fromLearner < options.PullsFromLearner || serving == 0 || node.Failed.Count > 0);

    private PullAssignment Assignment(NodeId id, Node node, NodeId source) =>
        new(id, source, source == learner ? null : _nodes[source].Address, node.AsDelta);
}
