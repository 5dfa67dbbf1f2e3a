using Distributed.Ports;
using Distributed.Simulation.Host;

namespace Distributed.Simulation.World;

/// <summary>
/// A node's disk: it outlives the node's processes. Checkpoints are written aside and appear whole when the write ends; a process that dies meanwhile leaves a torn
/// one, which is told from a whole one when it is read.
/// </summary>
public class SimulatedDisk
{
    private readonly SortedDictionary<long, StoredCheckpoint> _checkpoints = [];

    /// <summary>A checkpoint as it lies on the disk.</summary>
    /// <param name="Checkpoint">What was written.</param>
    /// <param name="IsWhole">Whether the write came to its end.</param>
    public sealed record StoredCheckpoint(Checkpoint Checkpoint, bool IsWhole);

    /// <summary>What lies there, by version.</summary>
    public IReadOnlyDictionary<long, StoredCheckpoint> Checkpoints => _checkpoints;

    /// <summary>The highest epoch a learner on this node has used.</summary>
    public long LastEpoch { get; set; }

    /// <summary>Processes of this node so far.</summary>
    public int Processes { get; set; }

    /// <summary>The newest version a process was told is durable.</summary>
    public long Acknowledged { get; set; }

    /// <summary>Writes are refused with this.</summary>
    public string? Full { get; set; }

    /// <summary>Writes take this many times as long.</summary>
    public double Slowdown { get; set; } = 1;

    /// <summary>Writes never end.</summary>
    public bool Hangs { get; set; }

    /// <summary>Heals everything.</summary>
    public void Heal() => (Full, Slowdown, Hangs) = (null, 1, false);

    /// <summary>A write begins.</summary>
    public virtual void Begin(Checkpoint checkpoint)
    {
        if (!_checkpoints.TryGetValue(checkpoint.Version, out var there) || !there.IsWhole) Put(new StoredCheckpoint(checkpoint, IsWhole: false));
    }

    /// <summary>A write ends.</summary>
    public virtual void Complete(Checkpoint checkpoint) => Put(new StoredCheckpoint(checkpoint, IsWhole: true));

    /// <summary>The newest whole checkpoint.</summary>
    public virtual Checkpoint? Newest(Action<string> warn)
    {
        foreach (var stored in _checkpoints.Values.Reverse())
        {
            if (stored.IsWhole) return stored.Checkpoint;
            warn($"checkpoint {stored.Checkpoint.Version} is torn and passed over");
        }

        return null;
    }

    /// <summary>Lays a checkpoint down.</summary>
    protected void Put(StoredCheckpoint stored) => _checkpoints[stored.Checkpoint.Version] = stored;
}

/// <summary>One process's way to its disk.</summary>
public sealed class SimulatedCheckpoints(SimulationHost host, SimulatedDisk disk, RandomStream stream, Func<bool> isAlive) : ICheckpointStore
{
    /// <summary>Seconds a checkpoint takes to be written.</summary>
    public double SaveSeconds { get; init; } = 0.15;

    /// <summary>Called when a write has come half-way.</summary>
    public Action<Checkpoint> HalfWay { get; init; } = static _ => { };

    /// <summary>Called with a fault or path that was met.</summary>
    public Action<string> Met { get; init; } = static _ => { };

    /// <summary>Answers at once and writes afterwards: a planted bug.</summary>
    public bool AcknowledgesEarly { get; init; }

    /// <summary>Called with what was promised and not kept.</summary>
    public Action<string> Broken { get; init; } = static _ => { };

    /// <summary>Called when a checkpoint has been acknowledged.</summary>
    public Action<Checkpoint> Acknowledged { get; init; } = static _ => { };

    /// <inheritdoc/>
    public void Save(Checkpoint checkpoint, Action<EngineError?> reply)
    {
        var seconds = SaveSeconds * disk.Slowdown * stream.Between(0.5, 1.5);
        if (disk.Full is { } full)
        {
            Met("fault:disk-full");
            After(seconds / 2, () => reply(new EngineError(full)));
            return;
        }

        if (disk.Slowdown > 1) Met("fault:slow-disk");
        void Acknowledge()
        {
            disk.Acknowledged = Math.Max(disk.Acknowledged, checkpoint.Version);
            Acknowledged(checkpoint);
            reply(null);
        }

        if (AcknowledgesEarly) After(0, Acknowledge);
        var own = checkpoint with { Weights = checkpoint.Weights.ToArray(), Ledger = checkpoint.Ledger.ToArray() };
        disk.Begin(own);
        After(seconds / 2, () => HalfWay(own));
        if (disk.Hangs)
        {
            Met("fault:disk-hang");
            return;
        }

        After(seconds, () =>
        {
            disk.Complete(own);
            if (!AcknowledgesEarly) Acknowledge();
        });
    }

    /// <inheritdoc/>
    public Checkpoint? LoadNewest(Action<string> warn)
    {
        var newest = disk.Newest(line =>
        {
            Met("path:torn-checkpoint-passed-over");
            warn(line);
        });
        if (newest != null) Met("path:resumed-from-checkpoint");
        if ((newest?.Version ?? 0) < disk.Acknowledged) Broken($"checkpoint {disk.Acknowledged} was acknowledged, the newest one found is {newest?.Version ?? 0}");
        disk.Acknowledged = newest?.Version ?? 0; // what comes after it is of a life that has ended
        return newest;
    }

    private void After(double seconds, Action action) => host.After(TimeSpan.FromSeconds(seconds), () =>
    {
        if (isAlive()) action();
    });
}
