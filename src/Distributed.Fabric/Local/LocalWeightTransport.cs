using Distributed.Actors.Ports;
using Distributed.Fabric.Weights;

namespace Distributed.Fabric.Local;

/// <summary>Weights inside one process, one for all nodes: ranges are slices of the bytes that were offered, so nobody need serve anybody.</summary>
public sealed class LocalWeightTransport : IWeightTransport
{
    private readonly OfferedWeights _offered = new();

    /// <inheritdoc/>
    public string? Address => null;

    /// <inheritdoc/>
    public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes) => _offered.Add(image, bytes);

    /// <inheritdoc/>
    public void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply) =>
        reply(_offered.TryRead(image, offset, length, out var bytes, out var error) ? new FetchedRange(offset, bytes, null) : new FetchedRange(offset, default, error));
}
