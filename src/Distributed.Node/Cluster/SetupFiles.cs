using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Distributed.Node.Cluster;

/// <summary>What a node must have to work for a run.</summary>
/// <param name="Format">The layout's number, 1.</param>
/// <param name="Run">Fingerprint of the recipe: nodes and learners of one run have the same.</param>
/// <param name="Recipe">The effective recipe as YAML.</param>
/// <param name="Files">The model's files, weights left out unless they are frozen.</param>
internal sealed record NodeSetup(int Format, string Run, string Recipe, IReadOnlyList<SetupFile> Files)
{
    /// <summary>The layout written here.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Whether the recipe is the one that was sent. The files have checksums of their own.</summary>
    public bool IsWhole => RunOf(Recipe) == Run;

    /// <summary>Fingerprint of a recipe.</summary>
    public static string RunOf(string recipe) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(recipe)).AsSpan(0, 8));
}

/// <summary>A file of a set-up: name, length, SHA-256 in hexadecimal.</summary>
internal sealed record SetupFile(string Name, long Bytes, string Sha256);

/// <summary>
/// The learner's side of a node's set-up: GET /setup describes it, GET /setup/NAME sends a file. Requests are signed, as all are.
/// </summary>
internal sealed class SetupFiles
{
    /// <summary>Where a set-up is described.</summary>
    public const string Path = "/setup";

    /// <summary>How names are written.</summary>
    public static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Dictionary<string, string> _paths;
    private readonly byte[] _description;

    /// <summary>Serves a recipe and some files.</summary>
    public SetupFiles(string recipe, IReadOnlyList<string> paths)
    {
        _paths = paths.ToDictionary(path => System.IO.Path.GetFileName(path), StringComparer.Ordinal);
        Run = NodeSetup.RunOf(recipe);
        var files = _paths.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => Describe(entry.Key, entry.Value)).ToArray();
        _description = JsonSerializer.SerializeToUtf8Bytes(new NodeSetup(NodeSetup.CurrentFormat, Run, recipe, files), Json);
    }

    /// <summary>Fingerprint of the recipe.</summary>
    public string Run { get; }

    /// <summary>Adds the set-up to the node's endpoint.</summary>
    public void MapTo(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync(_description, context.RequestAborted).ConfigureAwait(false);
        });
        routes.MapGet(Path + "/{name}", async context =>
        {
            if (!_paths.TryGetValue((string)context.Request.RouteValues["name"]!, out var path))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            context.Response.ContentType = "application/octet-stream";
            await context.Response.SendFileAsync(path, context.RequestAborted).ConfigureAwait(false);
        });
    }

    private static SetupFile Describe(string name, string path)
    {
        using var file = File.OpenRead(path);
        return new SetupFile(name, file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }
}
