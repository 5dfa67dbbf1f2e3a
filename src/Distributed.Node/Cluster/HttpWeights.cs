using Distributed.Actors.Ports;
using Distributed.Fabric.Http;
using Distributed.Fabric.Http.Weights;
using Distributed.Protocol;

namespace Distributed.Node.Cluster;

/// <summary>Weight transports of this program's nodes: signed with the cluster's secret.</summary>
internal static class HttpWeights
{
    /// <summary>A node's transport.</summary>
    /// <param name="security">Secret and certificates.</param>
    /// <param name="address">Where others pull from it; null: nowhere, or they know.</param>
    /// <param name="known">Nodes whose address need not be told.</param>
    public static HttpWeightTransport Create(HttpSecurity security, string? address, IReadOnlyList<(NodeId Node, Uri Address)> known) => new(new HttpWeightOptions
    {
        Sign = (method, path) => security.Secret.Sign(method, path, TimeProvider.System.GetUtcNow()),
        Admits = (method, path, header) => security.Secret.Verify(header, method, path, TimeProvider.System.GetUtcNow()),
        Address = address,
        Known = known.ToDictionary(node => node.Node, node => node.Address),
        Handler = security.CreateHandler,
    });
}

/// <summary>The weights' way for roles that share the learner's process: straight from what it offers.</summary>
internal sealed class OwnWeights(HttpWeightTransport weights) : IWeightTransport
{
    /// <inheritdoc/>
    public string? Address => weights.Address;

    /// <inheritdoc/>
    public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes) => weights.Offer(image, bytes);

    /// <inheritdoc/>
    public void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply) =>
        reply(weights.Offered.TryRead(image, offset, length, out var bytes, out var error) ? new FetchedRange(offset, bytes, null) : new FetchedRange(offset, default, error));
}
