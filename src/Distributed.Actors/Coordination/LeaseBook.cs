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
public sealed record Lease(LeaseId Id, LeaseKind Kind, Slot Slot, NodeId Worker, long GrantedMs, long DeadlineMs);

/// <summary>A worker that has offered itself.</summary>
public sealed class Worker(WorkerReady offer)
{
    /// <summary>Its newest offer.</summary>
    public WorkerReady Offer { get; internal set; } = offer;

    /// <summary>Leases it holds.</summary>
    public HashSet<LeaseId> Leases { get; } = [];

    /// <summary>It has declined a lease since its newest offer and gets none before the next.</summary>
    public bool Paused { get; internal set; }

    /// <summary>The lease it is to hold without any other beside it.</summary>
    public LeaseId? Alone { get; internal set; }

    /// <summary>Whether it holds such a lease now.</summary>
    public bool IsAlone => Alone is { } lease && Leases.Contains(lease);

    /// <summary>It gets nothing more until it holds nothing, to do a job alone then (<see cref="LeaseGranting"/>).</summary>
    public bool IsSetAside { get; internal set; }

    /// <summary>Where it stands in <see cref="FreeWorkers"/>; null if it is not there.</summary>
    internal FreeWorkers.Place? Place { get; set; }

    /// <summary>How long its leases take, milliseconds: a moving mean.</summary>
    public double MeanMs { get; private set; }

    /// <summary>Leases that went into <see cref="MeanMs"/>.</summary>
    public int Measured { get; private set; }

    internal void Measure(long ms)
    {
        MeanMs = Measured++ == 0 ? ms : MeanMs + ((ms - MeanMs) / 5);
    }
}

/// <summary>Who works and who holds what. Every lease that is granted is taken out exactly once: settled, failed, expired or lost.</summary>
public sealed class LeaseBook
{
    private readonly SortedDictionary<(NodeId, WorkerRole), Worker> _workers = [];
    private readonly Dictionary<LeaseId, Lease> _leases = [];
    private readonly Dictionary<(LeaseKind, Slot), LeaseId> _bySlot = [];
    private readonly PriorityQueue<LeaseId, long> _deadlines = new();
    private readonly Dictionary<WorkerRole, double> _quickestMs = [];
    private readonly FreeWorkers _free = new();
    private long _next;

    // Leases after which a worker's mean says something, and how much slower than the quickest one it may be before it gets less.
    private const int FewestMeasured = 4;
    private const double SlowFactor = 2;
    private const int RecomputeEvery = 8;
    private long _measures;

    /// <summary>Workers that may get more, in the order in which they should.</summary>
    internal FreeWorkers FreeWorkers => _free;

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
            worker = new Worker(offer);
            _workers.Add(key, worker);
            Place(worker);
            return [];
        }

        if (offer.Incarnation.Value < worker.Offer.Incarnation.Value) return null;
        var reborn = offer.Incarnation.Value > worker.Offer.Incarnation.Value;
        worker.Offer = offer;
        worker.Paused = false;
        var lost = reborn ? TakeAll(worker) : [];
        Place(worker);
        return lost;
    }

    /// <summary>A node is gone: its workers are forgotten and their leases returned.</summary>
    public IReadOnlyList<Lease> Remove(NodeId node)
    {
        var lost = new List<Lease>();
        foreach (var role in Enum.GetValues<WorkerRole>())
        {
            if (!_workers.TryGetValue((node, role), out var worker)) continue;
            lost.AddRange(TakeAll(worker));
            _free.Remove(worker);
            _workers.Remove((node, role));
        }

        return lost;
    }

    /// <summary>Grants a lease, which may be one that the worker is to hold <paramref name="alone"/>.</summary>
    public Lease Grant(LeaseKind kind, Slot slot, Worker worker, long nowMs, int timeoutMs, bool alone = false)
    {
        var deadlineMs = nowMs + timeoutMs;
        var lease = new Lease(new LeaseId(++_next), kind, slot, worker.Offer.Worker, nowMs, deadlineMs);
        _leases.Add(lease.Id, lease);
        _bySlot.Add((kind, slot), lease.Id);
        worker.Leases.Add(lease.Id);
        if (alone) worker.Alone = lease.Id;
        Place(worker);
        _deadlines.Enqueue(lease.Id, deadlineMs);
        return lease;
    }

    /// <summary>Takes a lease out; null if it is not (or no longer) out.</summary>
    public Lease? Take(LeaseId id)
    {
        if (!_leases.Remove(id, out var lease)) return null;
        _bySlot.Remove((lease.Kind, lease.Slot));
        if (Holder(lease) is { } worker)
        {
            worker.Leases.Remove(id);
            Place(worker);
        }

        return lease;
    }

    /// <summary>How many more leases a worker gets: what it offers to hold, or, for one whose leases take much longer than the quickest one's, its share of that.</summary>
    public int Free(Worker worker)
    {
        if (worker.Paused) return 0;
        var limit = worker.Offer.Capacity;
        var quickest = _quickestMs.GetValueOrDefault(worker.Offer.Role);
        if (worker.Measured >= FewestMeasured && quickest > 0 && worker.MeanMs > SlowFactor * quickest)
            limit = Math.Max(1, (int)(limit * SlowFactor * quickest / worker.MeanMs));
        return limit - worker.Leases.Count;
    }

    /// <summary>Takes a lease out whose answer has come, and notes how long it took; null if it is not (or no longer) out.</summary>
    public Lease? TakeAnswered(LeaseId id, long nowMs)
    {
        if (Take(id) is not { } lease) return null;
        Measure(lease, nowMs);
        return lease;
    }

    /// <summary>The worker of a lease has declined it: nothing for it before it offers itself again.</summary>
    public void Pause(Lease lease)
    {
        if (Holder(lease) is not { } worker) return;
        worker.Paused = true;
        Place(worker);
    }

    /// <summary>A worker gets nothing more until it is idle, or again as much as it may hold.</summary>
    internal void SetAside(Worker worker, bool aside)
    {
        worker.IsSetAside = aside;
        Place(worker);
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
            if (Take(id) is not { } lease) continue;
            Measure(lease, nowMs);
            expired.Add(lease);
        }

        return expired;
    }

    private void Measure(Lease lease, long nowMs)
    {
        if (Holder(lease) is not { } worker) return;
        worker.Measure(Math.Max(1, nowMs - lease.GrantedMs));
        Place(worker);
        var role = worker.Offer.Role;
        if (_measures++ % Math.Max(RecomputeEvery, _workers.Count / 4) != 0) return; // with many workers, looking at all of them for every answer would be the most of the work
        var workers = _workers.Values.Where(other => other.Offer.Role == role).ToArray();
        _quickestMs[role] = workers.Where(other => other.Measured >= FewestMeasured).Select(other => other.MeanMs).DefaultIfEmpty(0).Min();
        foreach (var other in workers) Place(other);
    }

    private void Place(Worker worker)
    {
        if (Free(worker) > 0 && !worker.IsAlone && !worker.IsSetAside) _free.Put(worker);
        else _free.Remove(worker);
    }

    private Worker? Holder(Lease lease) =>
        _workers.GetValueOrDefault((lease.Worker, lease.Kind == LeaseKind.Score ? WorkerRole.Scorer : WorkerRole.Rollout));

    private List<Lease> TakeAll(Worker worker) => [.. worker.Leases.Order(LeaseOrder).ToArray().Select(id => Take(id)!)];

    private static readonly IComparer<LeaseId> LeaseOrder = Comparer<LeaseId>.Create((a, b) => a.Value.CompareTo(b.Value));
}
