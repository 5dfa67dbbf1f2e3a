using Distributed.Actors.Ports;
using Distributed.Protocol;
using Distributed.Simulation.Host;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Network;

/// <summary>
/// The weights' way of one process. A range takes a request's way there and its bytes' way back, through the source's uplink that all its readers share; a cut link is noticed when
/// time is up, a broken one half-way.
/// </summary>
public sealed class SimulatedWeightTransport(SimulationHost host, RunJournal journal, SimulatedNetwork network, SimulatedProcess process, WeightShelves shelves) : IWeightTransport
{
    private readonly RandomStream _stream = host.Streams.Of("transfer", process.Root);

    /// <summary>Called with every version that is offered.</summary>
    public Action<WeightImage, ReadOnlyMemory<byte>> Offered { get; init; } = static (_, _) => { };

    /// <inheritdoc/>
    public string? Address => process.Node.Value;

    /// <inheritdoc/>
    public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes)
    {
        shelves.Of(process).Put(image, bytes);
        Offered(image, bytes);
    }

    /// <inheritdoc/>
    public void Fetch(WeightSource from, WeightImage image, long offset, int length, Action<FetchedRange> reply)
    {
        var source = from.Node;
        var self = process.Node;
        LinkFault[] faults = [.. network.FaultsOf(self, source), .. network.FaultsOf(source, self)];
        if (Array.Exists(faults, fault => fault.Blocked || (fault.Loss > 0 && _stream.Chance(fault.Loss))))
        {
            journal.Count("fault:transfer-cut");
            Answer(network.Model.TransferTimeoutSeconds, "the connection timed out", reply, offset);
            return;
        }

        var seconds = network.DelayOf(self, source, 64, _stream);
        host.After(TimeSpan.FromSeconds(seconds), () =>
        {
            if (network.Find(source) is not { } sender)
            {
                Answer(network.Model.LatencySeconds, "the connection was refused", reply, offset);
            }
            else if (shelves.Of(sender).Find(image) is not { } bytes)
            {
                Answer(network.Model.LatencySeconds, $"{image} is no longer kept", reply, offset);
            }
            else
            {
                Send(sender, image, bytes.Slice((int)offset, length), offset, faults, reply);
            }
        });
    }

    private void Send(SimulatedProcess asked, WeightImage image, ReadOnlyMemory<byte> range, long offset, LinkFault[] faults, Action<FetchedRange> reply)
    {
        var size = shelves.BytesOf(range.Length);
        var sender = shelves.SourceOf(image, offset, asked);
        // It flows through uplink and link at the pace of the slower of the two.
        var (begins, uplink) = shelves.Of(sender).Upload(shelves.EarliestOf(sender, image, offset, host.NowTicks), host.NowTicks, size, network.Model.UplinkBytesPerSecond);
        var seconds = begins + Math.Max(uplink, network.DelayOf(sender.Node, process.Node, size, _stream));
        shelves.WillHave(process, image, offset, host.NowTicks + TimeSpan.FromSeconds(seconds).Ticks, sender);
        if (Array.Exists(faults, fault => fault.BrokenTransfers > 0 && _stream.Chance(fault.BrokenTransfers)))
        {
            journal.Count("fault:transfer-broken");
            Answer(seconds / 2, "the connection broke", reply, offset);
            return;
        }

        var bytes = range;
        if (Array.Exists(faults, fault => fault.CorruptTransfers > 0 && _stream.Chance(fault.CorruptTransfers)))
        {
            journal.Count("fault:transfer-corrupt");
            var changed = range.ToArray();
            changed[_stream.Next(changed.Length)] ^= 0x10;
            bytes = changed;
        }

        host.After(TimeSpan.FromSeconds(seconds), () =>
        {
            if (!process.IsAlive) return;
            reply(sender.IsAlive ? new FetchedRange(offset, bytes, null) : new FetchedRange(offset, default, "the connection broke"));
        });
    }

    private void Answer(double seconds, string error, Action<FetchedRange> reply, long offset) => host.After(TimeSpan.FromSeconds(seconds), () =>
    {
        if (process.IsAlive) reply(new FetchedRange(offset, default, error));
    });
}

/// <summary>What every process offers: versions on its shelf, and an uplink that sends one thing after the other.</summary>
/// <param name="weightScale">How many bytes each byte of the simulated weights stands for.</param>
/// <param name="ideal">Whoever was asked, the one that can begin first sends: an ideal broadcast tree.</param>
public sealed class WeightShelves(double weightScale = 1, bool ideal = false)
{
    private readonly Dictionary<(WeightImage Image, long Offset), PriorityQueue<SimulatedProcess, long>> _holders = [];
    private readonly Dictionary<(SimulatedProcess Process, WeightImage Image, long Offset), long> _availableAt = [];
    private readonly Dictionary<NodeId, (double BusySeconds, double SentBytes)> _earlier = [];
    private readonly Dictionary<SimulatedProcess, Shelf> _shelves = [];

    /// <summary>The shelf of a process.</summary>
    public Shelf Of(SimulatedProcess process) => _shelves.TryGetValue(process, out var shelf) ? shelf : _shelves[process] = new Shelf();

    /// <summary>Who sends a range: the one that was asked or, among peers, whoever can begin first, those included that are just getting it: an ideal broadcast tree.</summary>
    public SimulatedProcess SourceOf(WeightImage image, long offset, SimulatedProcess asked)
    {
        if (!ideal) return asked;
        var holders = HoldersOf(image, offset);
        while (holders.TryDequeue(out var holder, out _))
            if (holder.IsAlive) return holder;
        return asked;
    }

    /// <summary>When a process can begin to send a range, ticks.</summary>
    public long EarliestOf(SimulatedProcess holder, WeightImage image, long offset, long nowTicks) =>
        Math.Max(nowTicks, _availableAt.GetValueOrDefault((holder, image, offset)));

    /// <summary>A process will have a range; whoever sent it is free for another when its uplink is.</summary>
    public void WillHave(SimulatedProcess reader, WeightImage image, long offset, long atTicks, SimulatedProcess sender)
    {
        if (!ideal) return;
        _availableAt[(reader, image, offset)] = atTicks;
        var holders = HoldersOf(image, offset);
        holders.Enqueue(reader, atTicks);
        holders.Enqueue(sender, Of(sender).FreeAt);
    }

    private PriorityQueue<SimulatedProcess, long> HoldersOf(WeightImage image, long offset)
    {
        if (_holders.TryGetValue((image, offset), out var holders)) return holders;
        foreach (var old in _holders.Keys.Where(other => other.Image.Version.Value < image.Version.Value - 2).ToArray()) _holders.Remove(old);
        foreach (var old in _availableAt.Keys.Where(other => other.Image.Version.Value < image.Version.Value - 2).ToArray()) _availableAt.Remove(old);
        return _holders[(image, offset)] = new PriorityQueue<SimulatedProcess, long>();
    }

    /// <summary>What a node's processes have sent in all.</summary>
    public (double BusySeconds, double SentBytes) Totals(NodeId node)
    {
        var (busy, sent) = _earlier.GetValueOrDefault(node);
        foreach (var (process, shelf) in _shelves)
            if (process.Node == node) (busy, sent) = (busy + shelf.BusySeconds, sent + shelf.SentBytes);
        return (busy, sent);
    }

    /// <summary>A process is no more; what it has sent stays counted.</summary>
    public void Forget(SimulatedProcess process)
    {
        if (!_shelves.Remove(process, out var shelf)) return;
        var (busy, sent) = _earlier.GetValueOrDefault(process.Node);
        _earlier[process.Node] = (busy + shelf.BusySeconds, sent + shelf.SentBytes);
    }

    /// <summary>How many bytes a range stands for.</summary>
    public double BytesOf(int length) => length * weightScale;

    /// <summary>The versions one process offers; the newest two are kept.</summary>
    public sealed class Shelf
    {
        private readonly List<(WeightImage Image, ReadOnlyMemory<byte> Bytes)> _kept = [];
        private long _uplinkFreeAt;

        /// <summary>When its uplink will be free, ticks.</summary>
        public long FreeAt => _uplinkFreeAt;

        /// <summary>Seconds its uplink has been busy.</summary>
        public double BusySeconds { get; private set; }

        /// <summary>Bytes it has sent.</summary>
        public double SentBytes { get; private set; }

        internal void Put(WeightImage image, ReadOnlyMemory<byte> bytes)
        {
            if (Find(image) != null) return;
            _kept.Add((image, bytes));
            // Versions come in order, each whole and perhaps as a delta too.
            while (Versions() > 2) _kept.RemoveAt(0);
        }

        private int Versions()
        {
            var versions = 0;
            for (var index = 0; index < _kept.Count; index++)
                if (index == 0 || (_kept[index].Image.Epoch, _kept[index].Image.Version) != (_kept[index - 1].Image.Epoch, _kept[index - 1].Image.Version)) versions++;
            return versions;
        }

        internal ReadOnlyMemory<byte>? Find(WeightImage image)
        {
            foreach (var kept in _kept)
                if (kept.Image == image) return kept.Bytes;
            return null;
        }

        // In how many seconds it begins to send, and how many it sends.
        internal (double Begins, double Seconds) Upload(long earliestTicks, long nowTicks, double bytes, double bytesPerSecond)
        {
            var seconds = bytes / bytesPerSecond;
            var begins = Math.Max(earliestTicks, _uplinkFreeAt);
            BusySeconds += seconds;
            SentBytes += bytes;
            _uplinkFreeAt = begins + (long)(seconds * TimeSpan.TicksPerSecond);
            return ((begins - nowTicks) / (double)TimeSpan.TicksPerSecond, seconds);
        }
    }
}
