using Distributed.Protocol;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Invariants;

/// <summary>Counts the ways back to health that show in messages.</summary>
public sealed class RecoveryPaths(RunJournal journal)
{
    private readonly HashSet<(long Epoch, long Lease)> _answered = [];
    private readonly HashSet<(long Epoch, long Lease)> _settled = [];
    private readonly Dictionary<NodeId, (long Epoch, long Life)> _known = [];

    /// <summary>A message was sent.</summary>
    public void Sent(NodeId from, NodeId to, IWireMessage message)
    {
        switch (message)
        {
            case RolloutLeaseGranted { Attempt: > 0 }: journal.Count("path:rollout-tried-again"); break;
            case ScoreLeaseGranted { Attempt: > 0 }: journal.Count("path:score-tried-again"); break;
            case LeaseFailed { Declined: true }: journal.Count("path:lease-declined"); break;
            case LeaseFailed failed: journal.Count(failed.Reason.Contains("time is over", StringComparison.Ordinal) || failed.Reason.Contains("in time", StringComparison.Ordinal) ? "path:lease-late" : "path:lease-failed"); break;
            case RolloutCompleted done: if (!_answered.Add((done.Epoch.Value, done.Lease.Value))) journal.Count("path:answer-repeated"); break;
            case ScoreCompleted done: if (!_answered.Add((done.Epoch.Value, -done.Lease.Value))) journal.Count("path:answer-repeated"); break;
            case LeaseSettled settled: if (!_settled.Add((settled.Epoch.Value, settled.Lease.Value))) journal.Count("path:settled-again"); break;
            case PolicyPublished: journal.Count("path:policy-published"); break;
            case WorkerReady ready: Offered(from, ready); break;
        }
    }

    private void Offered(NodeId from, WorkerReady ready)
    {
        var now = (ready.Epoch.Value, ready.Incarnation.Value);
        if (_known.TryGetValue(from, out var before) && before != now)
            journal.Count(now.Item2 != before.Life ? "path:worker-reborn" : "path:worker-under-new-epoch");
        _known[from] = now;
    }
}
