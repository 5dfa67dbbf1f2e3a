using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>What a lease is for.</summary>
public enum LeaseKind
{
    /// <summary>A training rollout.</summary>
    Rollout,

    /// <summary>A held-out rollout (<see cref="EvaluationRound"/>).</summary>
    Evaluation,

    /// <summary>Scoring a trajectory.</summary>
    Score,
}

/// <summary>A lease that is out.</summary>
public sealed record Lease(LeaseId Id, LeaseKind Kind, Slot Slot, NodeId Worker, long DeadlineMs);

/// <summary>A worker that has offered itself.</summary>
public sealed class Worker(WorkerReady offer)
{
    /// <summary>Its newest offer.</summary>
    public WorkerReady Offer { get; internal set; } = offer;

    /// <summary>Leases it holds.</summary>
    public HashSet<LeaseId> Leases { get; } = [];

    /// <summary>It has declined a lease since its newest offer and gets none before the next.</summary>
    public bool Paused { get; internal set; }

    /// <summary>How many more it can take.</summary>
    public int Free => Paused ? 0 : Offer.Capacity - Leases.Count;
}

/// <summary>Who works and who holds what. Every lease that is granted is taken out exactly once: settled, failed, expired or lost.</summary>
public sealed class LeaseBook
{
    private readonly SortedDictionary<(NodeId, WorkerRole), Worker> _workers = [];
    private readonly Dictionary<LeaseId, Lease> _leases = [];
    private readonly Dictionary<(LeaseKind, Slot), LeaseId> _bySlot = [];
    private readonly PriorityQueue<LeaseId, long> _deadlines = new();
    private long _next;

    /// <summary>Workers by name.</summary>
    public IReadOnlyDictionary<(NodeId Node, WorkerRole Role), Worker> Workers => _workers;

    /// <summary>Leases that are out.</summary>
    public IReadOnlyCollection<Lease> Open => _leases.Values;

    /// <summary>Takes note of an offer. Returns the leases lost with an older incarnation of the worker; null if the offer itself is old.</summary>
    public IReadOnlyList<Lease>? Offer(WorkerReady offer)
    {
        var key = (offer.Worker, offer.Role);
        if (!_workers.TryGetValue(key, out var worker))
        {
            _workers.Add(key, new Worker(offer));
            return [];
        }

        if (offer.Incarnation.Value < worker.Offer.Incarnation.Value) return null;
        var reborn = offer.Incarnation.Value > worker.Offer.Incarnation.Value;
        worker.Offer = offer;
        worker.Paused = false;
        return reborn ? TakeAll(worker) : [];
    }

    /// <summary>A node is gone: its workers are forgotten and their leases returned.</summary>
    public IReadOnlyList<Lease> Remove(NodeId node)
    {
        var lost = new List<Lease>();
        foreach (var role in Enum.GetValues<WorkerRole>())
        {
            if (!_workers.TryGetValue((node, role), out var worker)) continue;
            lost.AddRange(TakeAll(worker));
            _workers.Remove((node, role));
        }

        return lost;
    }

    /// <summary>Grants a lease.</summary>
    public Lease Grant(LeaseKind kind, Slot slot, Worker worker, long deadlineMs)
    {
        var lease = new Lease(new LeaseId(++_next), kind, slot, worker.Offer.Worker, deadlineMs);
        _leases.Add(lease.Id, lease);
        _bySlot.Add((kind, slot), lease.Id);
        worker.Leases.Add(lease.Id);
        _deadlines.Enqueue(lease.Id, deadlineMs);
        return lease;
    }

    /// <summary>Takes a lease out; null if it is not (or no longer) out.</summary>
    public Lease? Take(LeaseId id)
    {
        if (!_leases.Remove(id, out var lease)) return null;
        _bySlot.Remove((lease.Kind, lease.Slot));
        Holder(lease)?.Leases.Remove(id);
        return lease;
    }

    /// <summary>The worker of a lease has declined it: nothing for it before it offers itself again.</summary>
    public void Pause(Lease lease)
    {
        if (Holder(lease) is { } worker) worker.Paused = true;
    }

    /// <summary>Takes out whatever lease is out for a slot; null if none is.</summary>
    public Lease? TakeFor(LeaseKind kind, Slot slot) => _bySlot.TryGetValue((kind, slot), out var id) ? Take(id) : null;

    /// <summary>Takes out every lease whose deadline has passed.</summary>
    public IReadOnlyList<Lease> TakeExpired(long nowMs)
    {
        var expired = new List<Lease>();
        while (_deadlines.TryPeek(out var id, out var deadline) && deadline <= nowMs)
        {
            _deadlines.Dequeue();
            if (Take(id) is { } lease) expired.Add(lease);
        }

        return expired;
    }

    private Worker? Holder(Lease lease) =>
        _workers.GetValueOrDefault((lease.Worker, lease.Kind == LeaseKind.Score ? WorkerRole.Scorer : WorkerRole.Rollout));

    private List<Lease> TakeAll(Worker worker) => [.. worker.Leases.Order(LeaseOrder).ToArray().Select(id => Take(id)!)];

    private static readonly IComparer<LeaseId> LeaseOrder = Comparer<LeaseId>.Create((a, b) => a.Value.CompareTo(b.Value));
}
