using Distributed.Ports;

namespace Distributed.Actors.Tests.Fakes;

/// <summary>Checkpoints in memory. <see cref="Refuse"/> may fail a save, <see cref="Silent"/> may leave it unanswered.</summary>
public sealed class MemoryCheckpoints : ICheckpointStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Checkpoint> _kept = [];

    public Func<long, string?> Refuse { get; set; } = _ => null;

    public Func<long, bool> Silent { get; set; } = _ => false;

    public IReadOnlyList<Checkpoint> Kept
    {
        get
        {
            lock (_gate) return [.. _kept.Values];
        }
    }

    public void Save(Checkpoint checkpoint, Action<EngineError?> reply)
    {
        if (Silent(checkpoint.Version)) return;
        if (Refuse(checkpoint.Version) is { } why)
        {
            reply(new EngineError(why));
            return;
        }

        lock (_gate) _kept[checkpoint.Version] = checkpoint with { Weights = checkpoint.Weights.ToArray(), Ledger = checkpoint.Ledger.ToArray() };
        reply(null);
    }

    public Checkpoint? LoadNewest(Action<string> warn)
    {
        lock (_gate) return _kept.Count == 0 ? null : _kept.Values.Last();
    }
}
