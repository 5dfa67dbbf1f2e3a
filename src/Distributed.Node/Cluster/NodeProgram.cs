using Distributed.Node.Commands;

namespace Distributed.Node.Cluster;

/// <summary>How this program is started once more.</summary>
/// <param name="File">The executable.</param>
/// <param name="Arguments">What comes before the command's own arguments.</param>
internal sealed record NodeProgram(string File, IReadOnlyList<string> Arguments)
{
    /// <summary>This program, whatever hosts it now: the `dotnet` of this process with the program's assembly, or the program's own executable.</summary>
    public static NodeProgram This()
    {
        var assembly = typeof(CommandLine).Assembly.Location;
        var host = Environment.ProcessPath ?? "dotnet";
        var isDotnet = Path.GetFileNameWithoutExtension(host).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        return Path.GetFileNameWithoutExtension(host) == Path.GetFileNameWithoutExtension(assembly)
            ? new NodeProgram(host, [])
            : new NodeProgram(isDotnet ? host : "dotnet", ["exec", assembly]);
    }
}
