using Distributed.Actors.Ports;

namespace Distributed.Node.Cluster;

/// <summary>A transport whose address is known only once it listens, which it can do only once there is a transport to serve from.</summary>
internal sealed class AddressedWeights(IWeightTransport inner, string? address) : IWeightTransport
{
    /// <inheritdoc/>
    public string? Address => address;

    /// <inheritdoc/>
    public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes) => inner.Offer(image, bytes);

    /// <inheritdoc/>
    public void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply) => inner.Fetch(source, image, offset, length, reply);

    /// <inheritdoc/>
    public void Fetch(WeightSource source, WeightImage image, long offset, Memory<byte> into, Action<FetchedRange> reply) => inner.Fetch(source, image, offset, into, reply);
}
