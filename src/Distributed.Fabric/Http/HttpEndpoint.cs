using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Distributed.Fabric.Http;

/// <summary>
/// A node's one port. Everything but the fabric's own path and the health checks needs a request signed with the cluster's secret; whoever has none gets an empty 401
/// and is counted.
/// </summary>
public sealed class HttpEndpoint : IAsyncDisposable
{
    private const int MostConnections = 16_384;
    private const int LongestRequestBody = 64 * 1024;
    private const int ResponseBuffer = 1024 * 1024 + 4096;
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);
    private readonly WebApplication _application;

    private HttpEndpoint(WebApplication application, Uri address)
    {
        _application = application;
        Address = address;
    }

    /// <summary>Where it listens, with the port it really has.</summary>
    public Uri Address { get; }

    /// <summary>Begins to listen.</summary>
    /// <param name="listen">http://ADDRESS:PORT or https://ADDRESS:PORT; the address is an IP address or localhost, port 0 is any free one.</param>
    /// <param name="security">Secret and certificate.</param>
    /// <param name="counters">Counts refusals.</param>
    /// <param name="time">The clock signatures are held against.</param>
    /// <param name="map">What is to be found there.</param>
    /// <exception cref="ArgumentException">It cannot listen there.</exception>
    public static async Task<HttpEndpoint> StartAsync(Uri listen, HttpSecurity security, FabricCounters counters, TimeProvider time, Action<IEndpointRouteBuilder> map)
    {
        var isTls = listen.Scheme == Uri.UriSchemeHttps;
        if (isTls && security.Certificate is null) throw new ArgumentException($"{listen} needs a certificate; give one, or listen on http://");
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        if (isTls) builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddRoutingCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = LongestRequestBody;
            // A whole range of weights: with the default of 64 KiB its writer is woken for every one of them.
            kestrel.Limits.MaxResponseBufferSize = ResponseBuffer;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(30);
            var (address, port) = (AddressOf(listen), listen.IsDefaultPort && !listen.OriginalString.Contains(":" + listen.Port, StringComparison.Ordinal) ? 0 : listen.Port);
            kestrel.Listen(address, port, options =>
            {
                options.Protocols = HttpProtocols.Http1;
                if (isTls) options.UseHttps(security.Certificate!);
            });
        });
        var application = builder.Build();
        application.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
        application.Use(async (context, next) =>
        {
            var request = context.Request;
            if (request.Path != HttpHub.Path && !request.Path.StartsWithSegments(HealthEndpoint.Path, StringComparison.Ordinal) && !security.Secret.Verify(request.Headers[ClusterSecret.Header], request.Method, Target(request), time.GetUtcNow()))
            {
                counters.Add(FabricCount.RefusedRequest);
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return;
            }

            await next(context).ConfigureAwait(false);
        });
        application.UseRouting();
        map(application);
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (IOException error)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            throw new ArgumentException($"cannot listen on {listen}: {error.GetBaseException().Message}", error);
        }

        var bound = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new HttpEndpoint(application, new UriBuilder(listen) { Port = new Uri(bound).Port }.Uri);
    }

    /// <summary>Stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            await _application.StopAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Whoever still talks is cut off.
        }

        await _application.DisposeAsync().ConfigureAwait(false);
    }

    private static string Target(HttpRequest request) => request.PathBase.ToUriComponent() + request.Path.ToUriComponent() + request.QueryString.ToUriComponent();

    private static IPAddress AddressOf(Uri listen) => listen.Host switch
    {
        "localhost" => IPAddress.Loopback,
        var host when IPAddress.TryParse(host, out var address) => address,
        var host => throw new ArgumentException($"cannot listen on '{host}'; give an IP address of this machine, for example http://0.0.0.0:{listen.Port}"),
    };
}
