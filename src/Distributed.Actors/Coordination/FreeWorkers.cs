using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>
/// Workers that may get more leases, in the order in which they get them: those with the newest weights first, among those the ones that hold the fewest leases, then by name.
/// So work is spread over all workers there are, and a message costs the logarithm of their number, not all of them.
/// </summary>
internal sealed class FreeWorkers
{
    private readonly Dictionary<WorkerRole, SortedDictionary<Rank, SortedSet<Place>>> _roles = [];

    /// <summary>Workers that stand at the same weights; the newest come first.</summary>
    internal readonly record struct Rank(LearnerEpoch Epoch, PolicyVersion Version) : IComparable<Rank>
    {
        public int CompareTo(Rank other) => (other.Epoch.Value, other.Version.Value).CompareTo((Epoch.Value, Version.Value));
    }

    /// <summary>A worker's place among those of its rank.</summary>
    internal readonly record struct Place(Rank Rank, int Held, NodeId Node, Worker Worker) : IComparable<Place>
    {
        public int CompareTo(Place other) => Held != other.Held ? Held.CompareTo(other.Held) : Node.CompareTo(other.Node);
    }

    /// <summary>The ranks in which a role has free workers, newest first; a copy.</summary>
    public IReadOnlyList<Rank> RanksOf(WorkerRole role) => _roles.TryGetValue(role, out var ranks) ? [.. ranks.Keys] : [];

    /// <summary>The worker of a role and rank that gets the next lease; null if none is free.</summary>
    public Worker? First(WorkerRole role, Rank rank) => _roles.TryGetValue(role, out var ranks) && ranks.TryGetValue(rank, out var places) ? places.Min.Worker : null;

    /// <summary>A worker may get more; what it holds or has may have changed.</summary>
    public void Put(Worker worker)
    {
        var offer = worker.Offer;
        var place = new Place(new Rank(offer.Epoch, offer.Version), worker.Leases.Count, offer.Worker, worker);
        if (worker.Place == place) return;
        Remove(worker);
        if (!_roles.TryGetValue(offer.Role, out var ranks)) _roles.Add(offer.Role, ranks = []);
        if (!ranks.TryGetValue(place.Rank, out var places)) ranks.Add(place.Rank, places = []);
        places.Add(place);
        worker.Place = place;
    }

    /// <summary>A worker gets nothing more for now.</summary>
    public void Remove(Worker worker)
    {
        if (worker.Place is not { } place) return;
        worker.Place = null;
        var ranks = _roles[worker.Offer.Role];
        var places = ranks[place.Rank];
        places.Remove(place);
        if (places.Count == 0) ranks.Remove(place.Rank);
    }
}
