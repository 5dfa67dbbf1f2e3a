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
    public string? Address => null;

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
        var faults = network.FaultsOf(self, source).Concat(network.FaultsOf(source, self)).ToArray();
        if (Array.Exists(faults, fault => fault.Blocked || (fault.Loss > 0 && _stream.Chance(fault.Loss))))
        {
            journal.Count("fault:transfer-cut");
            Answer(network.Model.TransferTimeoutSeconds, "the connection timed out", reply, offset);
            return;
        }

        var seconds = network.DelayOf(self, source, 64);
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
                Send(sender, bytes.Slice((int)offset, length), offset, faults, reply);
            }
        });
    }

    private void Send(SimulatedProcess sender, ReadOnlyMemory<byte> range, long offset, LinkFault[] faults, Action<FetchedRange> reply)
    {
        var seconds = shelves.Of(sender).Upload(host.NowTicks, shelves.BytesOf(range.Length), network.Model.UplinkBytesPerSecond) + network.DelayOf(sender.Node, process.Node, (long)shelves.BytesOf(range.Length));
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
public sealed class WeightShelves(double weightScale = 1)
{
    private readonly Dictionary<SimulatedProcess, Shelf> _shelves = [];

    /// <summary>The shelf of a process.</summary>
    public Shelf Of(SimulatedProcess process) => _shelves.TryGetValue(process, out var shelf) ? shelf : _shelves[process] = new Shelf();

    /// <summary>How many bytes a range stands for.</summary>
    public double BytesOf(int length) => length * weightScale;

    /// <summary>The versions one process offers; the newest two are kept.</summary>
    public sealed class Shelf
    {
        private readonly List<(WeightImage Image, ReadOnlyMemory<byte> Bytes)> _kept = [];
        private long _uplinkFreeAt;

        /// <summary>Seconds its uplink has been busy.</summary>
        public double BusySeconds { get; private set; }

        /// <summary>Bytes it has sent.</summary>
        public double SentBytes { get; private set; }

        internal void Put(WeightImage image, ReadOnlyMemory<byte> bytes)
        {
            if (Find(image) != null) return;
            _kept.Add((image, bytes));
            while (_kept.Select(kept => (kept.Image.Epoch, kept.Image.Version)).Distinct().Count() > 2) _kept.RemoveAt(0);
        }

        internal ReadOnlyMemory<byte>? Find(WeightImage image)
        {
            foreach (var kept in _kept)
                if (kept.Image == image) return kept.Bytes;
            return null;
        }

        internal double Upload(long nowTicks, double bytes, double bytesPerSecond)
        {
            var seconds = bytes / bytesPerSecond;
            BusySeconds += seconds;
            SentBytes += bytes;
            _uplinkFreeAt = Math.Max(nowTicks, _uplinkFreeAt) + (long)(seconds * TimeSpan.TicksPerSecond);
            return (_uplinkFreeAt - nowTicks) / (double)TimeSpan.TicksPerSecond;
        }
    }
}
