using System.Globalization;
using Distributed.Actors.Ports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Distributed.Fabric.Http.Weights;

/// <summary>Serves a node's offered images by range.</summary>
public static class WeightEndpoint
{
    private const int LargestRange = 64 * 1024 * 1024;

    // A range is written in pieces, so that one is copied while the one before is on its way; each into one stretch of memory, where a plain write would be spread over
    // blocks of 4 KiB.
    private const int PieceBytes = 256 * 1024;

    /// <summary>
    /// Maps GET of <see cref="WeightPath"/>. One range of at most 64 MiB a request: 206 with its bytes; 401 without the cluster's signature, 404 for an image that
    /// is not kept, 416 for a range outside it or none at all.
    /// </summary>
    public static IEndpointRouteBuilder MapWeights(this IEndpointRouteBuilder endpoints, HttpWeightTransport transport)
    {
        endpoints.MapGet(WeightPath.Whole, (HttpContext context, long epoch, long version) => Serve(context, transport, WeightPath.Image(epoch, version, null)));
        endpoints.MapGet(WeightPath.Delta, (HttpContext context, long epoch, long version, long since) => Serve(context, transport, WeightPath.Image(epoch, version, since)));
        return endpoints;
    }

    private static async Task Serve(HttpContext context, HttpWeightTransport transport, WeightImage image)
    {
        var (request, response) = (context.Request, context.Response);
        if (!transport.Admits(request.Method, WeightPath.Of(image), request.Headers[HttpWeightOptions.SignatureHeader]))
        {
            response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (transport.Offered.Find(image) is not { } whole)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        response.Headers.AcceptRanges = "bytes";
        if (Range(request, whole.Length) is not var (offset, length))
        {
            response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{whole.Length}");
            return;
        }

        response.StatusCode = StatusCodes.Status206PartialContent;
        response.ContentType = "application/octet-stream";
        response.ContentLength = length;
        response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {offset}-{offset + length - 1}/{whole.Length}");
        transport.CountServed(length);
        var writer = response.BodyWriter;
        for (var rest = whole.Slice(offset, length); rest.Length > 0;)
        {
            var piece = rest[..Math.Min(PieceBytes, rest.Length)];
            piece.Span.CopyTo(writer.GetSpan(piece.Length));
            writer.Advance(piece.Length);
            if ((await writer.FlushAsync(context.RequestAborted).ConfigureAwait(false)).IsCompleted) return; // nobody reads any more
            rest = rest[piece.Length..];
        }
    }

    // Exactly one range with both ends, which is all that a receiver ever asks for.
    private static (int Offset, int Length)? Range(HttpRequest request, int total)
    {
        if (request.GetTypedHeaders().Range is not { Ranges.Count: 1 } header || header.Unit != "bytes") return null;
        if (header.Ranges.Single() is not { From: { } from, To: { } to } || from > to || to >= total || to - from >= LargestRange) return null;
        return ((int)from, (int)(to - from + 1));
    }
}
