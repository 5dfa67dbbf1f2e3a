using Distributed.Protocol;

namespace Distributed.Fabric.Http.Weights;

/// <summary>How a node pulls weights over HTTP, and whom it serves.</summary>
public sealed record HttpWeightOptions
{
    /// <summary>The header that carries a request's signature.</summary>
    public const string SignatureHeader = ClusterSecret.Header;

    /// <summary>The signature of a request (method, path); every request has one.</summary>
    public required Func<string, string, string> Sign { get; init; }

    /// <summary>Whether a request (method, path, signature or null) comes from a member of this cluster.</summary>
    public required Func<string, string, string?, bool> Admits { get; init; }

    /// <summary>
    /// Base address others pull from this node, such as <c>http://10.0.0.7:7100</c>; null: they cannot.
    /// </summary>
    public string? Address { get; init; }

    /// <summary>Base addresses of nodes known from elsewhere: the learner's, which every node dials anyway.</summary>
    public IReadOnlyDictionary<NodeId, Uri> Known { get; init; } = new Dictionary<NodeId, Uri>();

    /// <summary>A range of which nothing comes for so long has failed, and one that is not whole after ten times as long.</summary>
    public TimeSpan RangeTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Connections to one source at once.</summary>
    public int ConnectionsPerSource { get; init; } = 8;

    /// <summary>Builds the handler below the client; null: plain sockets without proxy. For TLS with a certificate of one's own, and for tests.</summary>
    public Func<HttpMessageHandler>? Handler { get; init; }
}
