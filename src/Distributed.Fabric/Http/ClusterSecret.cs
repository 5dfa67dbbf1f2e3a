using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Fabric.Http;

/// <summary>
/// What the nodes of one cluster share and nobody else knows. It proves who may speak; it never crosses the wire itself, only keyed
/// hashes (HMAC-SHA256) of what is said do. Every use has a key of its own, derived from the secret and a label.
/// </summary>
public sealed class ClusterSecret
{
    /// <summary>Where a node looks for the secret.</summary>
    public const string EnvironmentVariable = "DISTRIBUTED_SECRET";

    /// <summary>The HTTP header a signed request carries.</summary>
    public const string Header = "Authorization";

    /// <summary>Fewest characters of a secret; a shorter one could be guessed.</summary>
    public const int FewestCharacters = 16;

    /// <summary>How long a signature is good for. Long enough for clocks that differ by a few minutes.</summary>
    public static readonly TimeSpan SignatureLifetime = TimeSpan.FromMinutes(5);

    private const string Scheme = "Distributed ";

    // A signature that claims to be good for much longer than any node gives was not made by one.
    private static readonly TimeSpan LongestLifetime = TimeSpan.FromMinutes(15);
    private const int LongestHeader = 128;
    private readonly byte[] _root;

    private ClusterSecret(string text)
    {
        Text = text;
        _root = SHA256.HashData(Encoding.UTF8.GetBytes("distributed cluster secret\n" + text));
    }

    /// <summary>The secret itself, for handing it to a node that this one starts.</summary>
    public string Text { get; }

    /// <summary>A secret given as text; blanks around it do not count.</summary>
    /// <exception cref="ArgumentException">It is too short.</exception>
    public static ClusterSecret Of(string text)
    {
        var trimmed = text.Trim();
        return trimmed.Length >= FewestCharacters
            ? new ClusterSecret(trimmed)
            : throw new ArgumentException($"the cluster secret has {trimmed.Length} characters, at least {FewestCharacters} are needed; make one with: openssl rand -hex 32");
    }

    /// <summary>A new secret of 256 random bits.</summary>
    public static ClusterSecret Random() => new(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));

    /// <summary>The value of <see cref="Header"/> for one request.</summary>
    /// <param name="method">For example GET.</param>
    /// <param name="pathAndQuery">From the first slash on, as it is sent.</param>
    /// <param name="now">The sender's clock.</param>
    public string Sign(string method, string pathAndQuery, DateTimeOffset now)
    {
        var expires = (now + SignatureLifetime).ToUnixTimeSeconds();
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}{expires}:{Convert.ToHexStringLower(Signature(method, pathAndQuery, expires))}");
    }

    /// <summary>Whether a request was signed with this secret, for this very path, and not too long ago.</summary>
    /// <param name="header">What came in <see cref="Header"/>, or null.</param>
    /// <param name="method">The request's method.</param>
    /// <param name="pathAndQuery">From the first slash on, as it came.</param>
    /// <param name="now">The receiver's clock.</param>
    public bool Verify(string? header, string method, string pathAndQuery, DateTimeOffset now)
    {
        if (header is null || header.Length > LongestHeader || !header.StartsWith(Scheme, StringComparison.Ordinal)) return false;
        var colon = header.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !long.TryParse(header.AsSpan(Scheme.Length, colon - Scheme.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var expires)) return false;
        var given = new byte[HMACSHA256.HashSizeInBytes];
        if (Convert.FromHexString(header.AsSpan(colon + 1), given, out _, out var length) != System.Buffers.OperationStatus.Done || length != given.Length) return false;
        return CryptographicOperations.FixedTimeEquals(given, Signature(method, pathAndQuery, expires))
            && expires >= now.ToUnixTimeSeconds()
            && expires <= (now + LongestLifetime).ToUnixTimeSeconds();
    }

    /// <summary>A key for one purpose.</summary>
    public byte[] KeyOf(string purpose) => Key(purpose, []);

    /// <summary>A key for one purpose, bound to what was said before (a handshake's transcript; may be empty).</summary>
    internal byte[] Key(string purpose, ReadOnlySpan<byte> transcript)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _root);
        hash.AppendData(Encoding.UTF8.GetBytes(purpose));
        hash.AppendData([0]);
        hash.AppendData(transcript);
        return hash.GetHashAndReset();
    }

    private byte[] Signature(string method, string pathAndQuery, long expires) => HMACSHA256.HashData(
        Key("request", []),
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{method}\n{pathAndQuery}\n{expires}")));
}
