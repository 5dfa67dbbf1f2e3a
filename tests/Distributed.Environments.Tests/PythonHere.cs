using System.Runtime.Versioning;

using Distributed.Environments.Tools;

namespace Distributed.Environments.Tests;

/// <summary>Whether this machine can run the python tool.</summary>
[SupportedOSPlatform("linux")]
internal static class PythonHere
{
    /// <summary>As root, programs run as nobody, who may not look into root's folders, where the first interpreter on PATH may be.</summary>
    public static PythonToolOptions LimitsOnly { get; } = new()
    {
        Sandbox = PythonSandbox.LimitsOnly,
        Interpreter = Environment.IsPrivilegedProcess && File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3",
    };

    private static readonly Lazy<string?> isolated = new(() => Try(new PythonToolOptions()));
    private static readonly Lazy<string?> limitsOnly = new(() => Try(LimitsOnly));

    /// <summary>What is missing, or null.</summary>
    public static string? Missing(PythonSandbox sandbox) =>
        !OperatingSystem.IsLinux() ? "the python tool needs Linux" : sandbox == PythonSandbox.Isolated ? isolated.Value : limitsOnly.Value;

    private static string? Try(PythonToolOptions options)
    {
        try
        {
            new PythonTool(options).Dispose();
            return null;
        }
        catch (EnvironmentSetupException error)
        {
            return error.Message;
        }
    }
}

/// <summary>A test that runs only where the python tool does.</summary>
[SupportedOSPlatform("linux")]
internal sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute(PythonSandbox sandbox) => Skip = PythonHere.Missing(sandbox)!;
}

/// <summary>Tests that run only where the python tool does.</summary>
[SupportedOSPlatform("linux")]
internal sealed class PythonTheoryAttribute : TheoryAttribute
{
    public PythonTheoryAttribute(PythonSandbox sandbox) => Skip = PythonHere.Missing(sandbox)!;
}
