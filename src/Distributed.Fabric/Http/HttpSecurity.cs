using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Fabric.Http;

/// <summary>How nodes know each other and keep what they say to themselves.</summary>
/// <param name="Secret">Shared by all nodes of the cluster.</param>
public sealed record HttpSecurity(ClusterSecret Secret)
{
    /// <summary>What this node shows to those that dial it; null: plain HTTP.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Whose certificates this node believes when it dials; null: the machine's own list.</summary>
    public X509Certificate2Collection? TrustedRoots { get; init; }

    /// <summary>A handler for clients of other nodes. Requests are still to be signed.</summary>
    public SocketsHttpHandler CreateHandler()
    {
        var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5), UseProxy = false, AllowAutoRedirect = false, UseCookies = false };
        if (TrustedRoots is not null) handler.SslOptions.RemoteCertificateValidationCallback = IsTrusted;
        return handler;
    }

    /// <summary>Whether a certificate that was shown leads to <see cref="TrustedRoots"/> (and names the host that was dialled).</summary>
    internal bool IsTrusted(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (TrustedRoots is null) return errors == SslPolicyErrors.None;
        if (shown is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None) return false;
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(TrustedRoots);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (chain is not null) own.ChainPolicy.ExtraStore.AddRange(chain.ChainElements.Select(element => element.Certificate).ToArray());
        using var certificate = X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
        return own.Build(certificate);
    }
}
