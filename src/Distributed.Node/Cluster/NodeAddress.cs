using System.Net;

namespace Distributed.Node.Cluster;

/// <summary>Addresses as they are typed.</summary>
internal static class NodeAddress
{
    /// <summary>The port of a learner whose address names none.</summary>
    public const int DefaultPort = 7400;

    /// <summary>An address to dial or to listen on: <c>http://host:port</c>; the scheme and the port may be left out.</summary>
    /// <exception cref="RefusedException">It is no such address.</exception>
    public static Uri Parse(string text, string option, int defaultPort)
    {
        var whole = text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        if (!Uri.TryCreate(whole, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.AbsolutePath != "/" || uri.Query.Length > 0 || uri.Host.Length == 0)
            throw new RefusedException($"{option} {text}: is no address; write it like http://10.0.0.5:{DefaultPort}");
        var named = whole.AsSpan(whole.IndexOf("://", StringComparison.Ordinal) + 3).TrimEnd('/').LastIndexOf(':') is var colon and >= 0
            && !whole.AsSpan(whole.IndexOf("://", StringComparison.Ordinal) + 3)[colon..].Contains(']');
        return named ? uri : new UriBuilder(uri) { Port = defaultPort }.Uri;
    }

    /// <summary>What others dial to reach an endpoint: an address that means every interface is replaced by <paramref name="host"/>, or this machine's name if it is null.</summary>
    public static Uri Reachable(Uri bound, string? host = null) => IPAddress.TryParse(bound.Host.Trim('[', ']'), out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        ? new UriBuilder(bound) { Host = host ?? Dns.GetHostName() }.Uri
        : bound;
}
