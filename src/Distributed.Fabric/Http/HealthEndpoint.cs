using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Distributed.Fabric.Http;

/// <summary>What orchestrators ask a node, without a signature: they learn that it lives and whether it is ready, nothing else.</summary>
public static class HealthEndpoint
{
    /// <summary>Prefix of the paths.</summary>
    public const string Path = "/health";

    /// <summary>
    /// Maps <c>/health/live</c> (200 while the process answers) and <c>/health/ready</c> (200, or 503 with a line that says what is missing).
    /// </summary>
    /// <param name="routes">The node's endpoint.</param>
    /// <param name="missing">Why the node is not ready; null if it is. Called on any thread.</param>
    public static IEndpointRouteBuilder MapHealth(this IEndpointRouteBuilder routes, Func<string?> missing)
    {
        routes.MapGet(Path + "/live", context => context.Response.WriteAsync("live\n"));
        routes.MapGet(Path + "/ready", context =>
        {
            var why = missing();
            context.Response.StatusCode = why == null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            return context.Response.WriteAsync((why ?? "ready") + "\n");
        });
        return routes;
    }
}
