using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Distributed.Fabric.Http;
using Distributed.Node.Runs;

namespace Distributed.Node.Cluster;

/// <summary>Where a node's secret and certificates are.</summary>
/// <param name="SecretFile">A file that holds the secret; null: the environment variable does.</param>
/// <param name="Certificate">PEM file of the certificate this node shows; null: plain HTTP.</param>
/// <param name="Key">PEM file of its key; null: it is in the same file.</param>
/// <param name="Authority">PEM file of the certificates this node believes; null: the machine's own.</param>
internal sealed record NodeSecurity(string? SecretFile, string? Certificate, string? Key, string? Authority)
{
    /// <summary>Reads what is named.</summary>
    /// <exception cref="RefusedException">There is no secret, or a file cannot be used.</exception>
    public HttpSecurity Read() => new(Secret())
    {
        Certificate = Certificate is null ? null : Pem(Certificate, () =>
        {
            using var loaded = X509Certificate2.CreateFromPemFile(Certificate, Key ?? Certificate);
            // Some TLS stacks cannot use a key that was not loaded together with its certificate.
            return X509CertificateLoader.LoadPkcs12(loaded.Export(X509ContentType.Pkcs12), null);
        }),
        TrustedRoots = Authority is null ? null : Pem(Authority, () =>
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(Authority);
            return roots.Count > 0 ? roots : throw new CryptographicException("it holds no certificate");
        }),
    };

    private ClusterSecret Secret()
    {
        var text = SecretFile is { } path ? Disk.Guard(path, () => File.ReadAllText(path), "read") : Environment.GetEnvironmentVariable(ClusterSecret.EnvironmentVariable);
        if (string.IsNullOrWhiteSpace(text))
            throw new RefusedException($"no cluster secret; set {ClusterSecret.EnvironmentVariable} (openssl rand -hex 32 makes one) or name a file with --secret-file, the same for every node");
        try
        {
            return ClusterSecret.Of(text);
        }
        catch (ArgumentException error)
        {
            throw new RefusedException(SecretFile is null ? $"{ClusterSecret.EnvironmentVariable}: {error.Message}" : $"{SecretFile}: {error.Message}", error);
        }
    }

    private static T Pem<T>(string path, Func<T> read)
    {
        try
        {
            return Disk.Guard(path, read, "read");
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new RefusedException($"{path}: is no PEM file of that kind ({error.Message.TrimEnd('.')})", error);
        }
    }
}
