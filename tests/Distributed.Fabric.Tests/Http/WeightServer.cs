using Distributed.Fabric.Http.Weights;
using Distributed.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Distributed.Fabric.Tests.Http;

/// <summary>A node that serves weights on a loopback port, and clients that pull from it.</summary>
internal sealed class WeightServer : IAsyncDisposable
{
    public static readonly NodeId Learner = new("learner");
    private readonly WebApplication _app;

    private WeightServer(WebApplication app, HttpWeightTransport transport)
    {
        _app = app;
        Transport = transport;
    }

    public HttpWeightTransport Transport { get; }

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public static async Task<WeightServer> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var transport = new HttpWeightTransport(Options("secret"));
        var app = builder.Build();
        app.MapWeights(transport);
        await app.StartAsync();
        return new WeightServer(app, transport);
    }

    public static HttpWeightOptions Options(string secret) => new()
    {
        Sign = (method, path) => $"{secret} {method} {path}",
        Admits = (method, path, header) => header == $"secret {method} {path}",
        RangeTimeout = TimeSpan.FromSeconds(5),
    };

    public HttpWeightTransport Client(string secret = "secret") =>
        new(Options(secret) with { Known = new Dictionary<NodeId, Uri> { [Learner] = Address } });

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Transport.Dispose();
    }
}
