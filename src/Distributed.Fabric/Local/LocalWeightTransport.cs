using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Local;

/// <summary>Weights inside one process: ranges are slices of the bytes that were offered.</summary>
public sealed class LocalWeightTransport : IWeightTransport
{
    private readonly Lock _gate = new();
    private readonly List<(LearnerEpoch Epoch, PolicyVersion Version, ReadOnlyMemory<byte> Bytes)> _offered = [];

    /// <inheritdoc/>
    public void Offer(LearnerEpoch epoch, PolicyVersion version, ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            _offered.Add((epoch, version, bytes));
            if (_offered.Count > 2) _offered.RemoveAt(0);
        }
    }

    /// <inheritdoc/>
    public void Fetch(NodeId source, LearnerEpoch epoch, PolicyVersion version, long offset, int length, Action<FetchedRange> reply)
    {
        ReadOnlyMemory<byte>? found = null;
        lock (_gate)
        {
            foreach (var offer in _offered)
                if (offer.Epoch == epoch && offer.Version == version) found = offer.Bytes;
        }

        if (found is not { } bytes) reply(new FetchedRange(offset, default, $"version {version.Value} of epoch {epoch.Value} is no longer kept"));
        else if (offset < 0 || length < 0 || offset + length > bytes.Length) reply(new FetchedRange(offset, default, $"range {offset}+{length} lies outside {bytes.Length} bytes"));
        else reply(new FetchedRange(offset, bytes.Slice((int)offset, length), null));
    }
}
