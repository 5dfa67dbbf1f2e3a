using System.Net;
using System.Net.Http.Headers;
using Distributed.Actors.Ports;
using Distributed.Fabric.Weights;

namespace Distributed.Fabric.Http.Weights;

/// <summary>
/// Weights over HTTP ranges. A node pulls with a client and serves what it offers through <see cref="WeightEndpoint.MapWeights"/>. Every request carries a signature
/// of the cluster secret; what comes back is checked against the manifest by the receiver, so a source need not be trusted with the bytes.
/// </summary>
public sealed class HttpWeightTransport : IWeightTransport, IDisposable
{
    private const double SlowestFactor = 10;
    private readonly HttpWeightOptions _options;
    private readonly HttpClient _client;
    private readonly CancellationTokenSource _closed = new();
    private long _bytesFetched;
    private long _bytesServed;

    /// <summary>A node's transport.</summary>
    public HttpWeightTransport(HttpWeightOptions options)
    {
        _options = options;
        _client = new HttpClient(options.Handler?.Invoke() ?? new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxConnectionsPerServer = options.ConnectionsPerSource,
            ConnectTimeout = options.RangeTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // so that a name that moves to another host is looked up again
        })
        {
            Timeout = Timeout.InfiniteTimeSpan, // each range has its own
        };
    }

    /// <inheritdoc/>
    public string? Address => _options.Address;

    /// <summary>What this node serves.</summary>
    public OfferedWeights Offered { get; } = new();

    /// <summary>Image bytes this node has pulled.</summary>
    public long BytesFetched => Interlocked.Read(ref _bytesFetched);

    /// <summary>Image bytes this node has served to others.</summary>
    public long BytesServed => Interlocked.Read(ref _bytesServed);

    /// <inheritdoc/>
    public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes) => Offered.Add(image, bytes);

    /// <inheritdoc/>
    public void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply) =>
        Fetch(source, image, offset, GC.AllocateUninitializedArray<byte>(length), reply);

    /// <inheritdoc/>
    public void Fetch(WeightSource source, WeightImage image, long offset, Memory<byte> into, Action<FetchedRange> reply) => _ = FetchAndReply(source, image, offset, into, reply);

    /// <summary>Whether a request's signature is right.</summary>
    internal bool Admits(string method, string path, string? authorization) => _options.Admits(method, path, authorization);

    /// <summary>Counts what was sent.</summary>
    internal void CountServed(long bytes) => Interlocked.Add(ref _bytesServed, bytes);

    /// <summary>Ends requests under way; their replies say so.</summary>
    public void Dispose()
    {
        _closed.Cancel();
        _client.Dispose();
        _closed.Dispose();
    }

    private async Task FetchAndReply(WeightSource source, WeightImage image, long offset, Memory<byte> into, Action<FetchedRange> reply)
    {
        FetchedRange range;
        try
        {
            await Pull(source, image, offset, into).ConfigureAwait(false);
            range = new FetchedRange(offset, into, null);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or System.Net.Sockets.SocketException or OperationCanceledException or ObjectDisposedException or WeightRefusedException)
        {
            range = new FetchedRange(offset, default, $"{image} cannot be pulled from {source.Node.Value}: {Reason(error)}");
        }

        reply(range);
    }

    private async Task Pull(WeightSource source, WeightImage image, long offset, Memory<byte> into)
    {
        var (path, length) = (WeightPath.Of(image), into.Length);
        var began = TimeProvider.System.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token);
        limit.CancelAfter(_options.RangeTimeout);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(BaseAddress(source), path));
        request.Headers.Range = new RangeHeaderValue(offset, offset + length - 1);
        request.Headers.TryAddWithoutValidation(HttpWeightOptions.SignatureHeader, _options.Sign(request.Method.Method, path));
        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.PartialContent)
            throw new WeightRefusedException($"it answers {(int)response.StatusCode} {response.ReasonPhrase}");
        var content = response.Content.Headers;
        if (content.ContentLength != length || content.ContentRange is not { } range || range.From != offset || range.To != offset + length - 1)
            throw new WeightRefusedException("it answers with a range that was not asked for");

        var stream = await response.Content.ReadAsStreamAsync(limit.Token).ConfigureAwait(false);
        for (var rest = into; rest.Length > 0;)
        {
            var read = await stream.ReadAsync(rest, limit.Token).ConfigureAwait(false);
            if (read == 0) throw new IOException("it ended in the middle of a range");
            rest = rest[read..];
            if (TimeProvider.System.GetElapsedTime(began) > SlowestFactor * _options.RangeTimeout) throw new IOException("it sends too slowly");
            limit.CancelAfter(_options.RangeTimeout);
        }

        Interlocked.Add(ref _bytesFetched, length);
    }

    private Uri BaseAddress(WeightSource source)
    {
        if (source.Address == null) return _options.Known.TryGetValue(source.Node, out var known) ? known : throw new WeightRefusedException("its address is not known");
        return Uri.TryCreate(source.Address, UriKind.Absolute, out var given) && given.Scheme is "http" or "https"
            ? given
            : throw new WeightRefusedException($"'{source.Address}' is no http address");
    }

    private string Reason(Exception error) => error switch
    {
        OperationCanceledException when _closed.IsCancellationRequested => "this node is stopping",
        OperationCanceledException => $"nothing within {_options.RangeTimeout.TotalSeconds:0} s",
        _ => error.GetBaseException().Message,
    };

    private sealed class WeightRefusedException(string message) : Exception(message);
}
