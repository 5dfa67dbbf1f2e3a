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
    private readonly PullBook _book = new(options, learner);
    private readonly PriorityQueue<PullingNode, TimeSpan> _sent = new();
    private PolicyVersion _newest = new(-1);
    private PolicyVersion? _since;
    private int _fromLearner;

    /// <summary>A new version; <paramref name="deltaSince"/> is the one its delta leads from, null if it has none.</summary>
    public IReadOnlyList<PullAssignment> Publish(PolicyVersion version, PolicyVersion? deltaSince, TimeSpan now)
    {
        (_newest, _since, _fromLearner) = (version, deltaSince, 0);
        _sent.Clear();
        _book.Begin(version);
        return Assign(now);
    }

    /// <summary>A node that pulled from an earlier learner of this process is here.</summary>
    public void Expect(NodeId node) => _book.Of(node);

    /// <summary>A node says what it has. The assignments may be for others too: it may have become a source, or left a place free.</summary>
    public IReadOnlyList<PullAssignment> Heard(PolicyWanted wanted, TimeSpan now)
    {
        var node = _book.Of(wanted.Node);
        var has = wanted.Epoch == epoch ? wanted.Version : new PolicyVersion(-1);
        if (wanted.Failed is { } failed)
        {
            if (failed != learner) _book.Change(node, changed => changed.Failed.Add(failed));
            _book.Pull(node, null);
        }

        if (has.Value >= _newest.Value)
        {
            var tookDelta = node.Source != null && node.AsDelta;
            _book.Pull(node, null);
            _book.Change(node, changed => changed.HasDelta |= tookDelta);
        }

        _book.Change(node, changed => (changed.Has, changed.Address) = (has, wanted.Address));
        if (node.Source is not { } source) return Assign(now);
        // It asks although it was told: the notice was lost.
        Sent(node, now);
        return [Assignment(node, source), .. Assign(now)];
    }

    /// <summary>A node is gone or does not answer.</summary>
    public IReadOnlyList<PullAssignment> Lost(NodeId node, TimeSpan now)
    {
        _book.Forget(node);
        return Assign(now);
    }

    private List<PullAssignment> Assign(TimeSpan now)
    {
        var assignments = new List<PullAssignment>();
        if (_newest.Value < 0) return assignments;
        while (_sent.TryPeek(out var sent, out var at) && now - at > options.PullLimit)
        {
            _sent.Dequeue();
            if (sent.SentAt == at) _book.Pull(sent, null);
        }

        var passedOver = new List<PullingNode>();
        while (_book.FirstWaiting is { } node && (_book.HasFree || IsLearnerOpenToAll))
        {
            if (SourceFor(node) is { } source)
            {
                assignments.Add(Begin(node, source, now));
            }
            else
            {
                _book.PassOver(node);
                passedOver.Add(node);
            }
        }

        foreach (var node in passedOver) _book.Change(node, static _ => { });
        while (_book.FirstWaitingAfterFailure is { } node && _book.FromLearner < options.PullsFromLearner) assignments.Add(Begin(node, learner, now));
        return assignments;
    }

    private bool IsLearnerOpenToAll => _book.FromLearner < options.PullsFromLearner && (_fromLearner < options.PullsFromLearner || _book.Serving == 0);

    // The one with the fewest pulls; one with the delta before one without, if that is what the node can use. The learner helps out those that peers failed.
    private NodeId? SourceFor(PullingNode node) => _book.FreeFor(node, WantsDelta(node))?.Id
        ?? (IsLearnerOpenToAll || (node.Failed.Count > 0 && _book.FromLearner < options.PullsFromLearner) ? learner : null);

    private PullAssignment Begin(PullingNode node, NodeId source, TimeSpan now)
    {
        node.AsDelta = WantsDelta(node) && (source == learner || _book.Of(source).HasDelta);
        if (source == learner) _fromLearner++;
        _book.Pull(node, source);
        Sent(node, now);
        return Assignment(node, source);
    }

    private void Sent(PullingNode node, TimeSpan now)
    {
        node.SentAt = now;
        _sent.Enqueue(node, now);
    }

    private bool WantsDelta(PullingNode node) => _since is { } since && node.Has == since;

    private PullAssignment Assignment(PullingNode node, NodeId source) =>
        new(node.Id, source, source == learner ? null : _book.Of(source).Address, node.AsDelta);
}
