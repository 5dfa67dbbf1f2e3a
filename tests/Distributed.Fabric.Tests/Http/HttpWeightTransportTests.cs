using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Distributed.Actors.Ports;
using Distributed.Fabric.Http.Weights;
using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Http;

/// <summary>Real requests over loopback.</summary>
public sealed class HttpWeightTransportTests : IAsyncLifetime
{
    private static readonly WeightImage Version3 = new(new LearnerEpoch(1), new PolicyVersion(3));
    private static readonly WeightImage Delta3 = Version3 with { Since = new PolicyVersion(2) };
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31 >> 3))];
    private WeightServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await WeightServer.Start();
        _server.Transport.Offer(Version3, Bytes);
        _server.Transport.Offer(Delta3, Bytes.AsMemory(7, 11));
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private static async Task<FetchedRange> Fetch(HttpWeightTransport client, WeightImage image, long offset, int length, string? address = null)
    {
        var reply = new TaskCompletionSource<FetchedRange>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Fetch(new WeightSource(WeightServer.Learner, address), image, offset, length, reply.SetResult);
        return await reply.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Ranges_of_a_version_and_of_a_delta_come_as_offered_and_are_counted()
    {
        using var client = _server.Client();
        var ranges = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Fetch(client, Version3, i * 10_000, 10_000)));
        ranges.ShouldAllBe(range => range.Error == null);
        ranges.OrderBy(range => range.Offset).SelectMany(range => range.Bytes.ToArray()).ShouldBe(Bytes);
        (await Fetch(client, Delta3, 1, 10)).Bytes.ToArray().ShouldBe(Bytes[8..18]);
        client.BytesFetched.ShouldBe(Bytes.Length + 10);
        _server.Transport.BytesServed.ShouldBe(Bytes.Length + 10);
    }

    [Fact]
    public async Task A_source_named_with_its_address_is_pulled_from_without_being_known()
    {
        using var client = new HttpWeightTransport(WeightServer.Options("secret"));
        (await Fetch(client, Version3, 0, 4, _server.Address.ToString())).Bytes.ToArray().ShouldBe(Bytes[..4]);
        (await Fetch(client, Version3, 0, 4)).Error.ShouldBe("version 3 of epoch 1 cannot be pulled from learner: its address is not known");
        (await Fetch(client, Version3, 0, 4, "ftp://there")).Error!.ShouldContain("'ftp://there' is no http address");
    }

    [Theory]
    [InlineData(4, 0, 4, "404")]
    [InlineData(3, 299_999, 2, "416")]
    [InlineData(3, 300_000, 1, "416")]
    public async Task What_is_not_there_is_refused(long version, long offset, int length, string status)
    {
        using var client = _server.Client();
        (await Fetch(client, Version3 with { Version = new PolicyVersion(version) }, offset, length)).Error!.ShouldContain(status);
    }

    [Fact]
    public async Task A_node_without_the_secret_gets_nothing()
    {
        using var client = _server.Client("guess");
        (await Fetch(client, Version3, 0, 4)).Error!.ShouldContain("401");
        using var plain = new HttpClient();
        (await plain.GetAsync(new Uri(_server.Address, WeightPath.Of(Version3)))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        _server.Transport.BytesServed.ShouldBe(0);
    }

    [Theory]
    [InlineData("bytes=0-3,8-9")]
    [InlineData("bytes=5-")]
    [InlineData("bytes=-5")]
    [InlineData("lines=0-3")]
    [InlineData(null)]
    public async Task Only_one_range_with_both_ends_is_served(string? range)
    {
        using var plain = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.Address, WeightPath.Of(Version3)));
        request.Headers.TryAddWithoutValidation(HttpWeightOptions.SignatureHeader, $"secret GET {WeightPath.Of(Version3)}");
        if (range != null) request.Headers.TryAddWithoutValidation("Range", range);
        using var response = await plain.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.RequestedRangeNotSatisfiable);
        response.Content.Headers.ContentRange.ShouldBe(new ContentRangeHeaderValue(300_000));
    }

    [Fact]
    public async Task A_source_that_is_gone_or_says_nothing_is_an_error_and_not_a_wait()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var silent = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        using var client = new HttpWeightTransport(WeightServer.Options("secret") with { RangeTimeout = TimeSpan.FromMilliseconds(300) });
        (await Fetch(client, Version3, 0, 4, silent)).Error!.ShouldContain("nothing within");
        listener.Stop();
        (await Fetch(client, Version3, 0, 4, silent)).Error.ShouldNotBeNull();
    }

    [Fact]
    public async Task Stopping_ends_requests_under_way()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = _server.Client();
        var pending = Fetch(client, Version3, 0, 4, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        client.Dispose();
        (await pending).Error!.ShouldContain("this node is stopping");
    }

    [Theory]
    [InlineData("HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\nContent-Range: bytes 4-7/9\r\n\r\nabcd", "a range that was not asked for")]
    [InlineData("HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\nabcd", "a range that was not asked for")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", "200")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "302")]
    [InlineData("HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\nContent-Range: bytes 0-3/9\r\n\r\nab", "")]
    public async Task A_source_that_answers_something_else_is_refused(string answer, string reason)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Answer(listener, answer);
        using var client = new HttpWeightTransport(WeightServer.Options("secret"));
        var range = await Fetch(client, Version3, 0, 4, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        range.Error!.ShouldContain(reason);
        range.Bytes.Length.ShouldBe(0);
        await serving;
    }

    private static async Task Answer(TcpListener listener, string answer)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        var stream = connection.GetStream();
        await stream.ReadAtLeastAsync(new byte[8192], 1);
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer));
    }
}
