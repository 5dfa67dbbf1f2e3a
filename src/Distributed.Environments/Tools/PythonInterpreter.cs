using System.Diagnostics;

namespace Distributed.Environments.Tools;

/// <summary>A Python interpreter found on this machine, and the programs its sandbox is made with.</summary>
/// <param name="Executable">Path of the interpreter itself, links resolved.</param>
/// <param name="Library">Folder of its standard library.</param>
internal sealed record PythonInterpreter(string Executable, string Library)
{
    private const string Ask = "import sys, os; print(os.path.realpath(sys.executable)); print(os.path.dirname(os.path.realpath(os.__file__))); print(sys.version_info[0])";

    private static readonly TimeSpan limit = TimeSpan.FromSeconds(20);

    /// <summary>Finds it.</summary>
    /// <exception cref="EnvironmentSetupException">It is not there, or is no Python 3.</exception>
    public static PythonInterpreter Find(string name)
    {
        var path = OnPath(name)
            ?? throw new EnvironmentSetupException($"environment option python: '{name}' is not there: install Python 3, name its path, or set tool to calculator");
        var lines = Output(path, "-s", "-S", "-B", "-c", Ask)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return lines.Length == 3 && lines[2].Trim() == "3" && File.Exists(lines[0]) && Directory.Exists(lines[1])
            ? new PythonInterpreter(lines[0], lines[1])
            : throw new EnvironmentSetupException($"environment option python: '{name}' does not work as Python 3: name another interpreter, or set tool to calculator");
    }

    /// <summary>A program's path, or null if it is not on PATH.</summary>
    public static string? OnPath(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal))
            return File.Exists(name) ? Path.GetFullPath(name) : null;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Concat(["/usr/bin", "/bin", "/usr/sbin", "/sbin"]).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>The shared libraries a program is loaded with, as the system's loader finds them; none for a static one.</summary>
    public static IEnumerable<string> SharedLibraries(string program) =>
        (OnPath("ldd") is { } ldd ? Output(ldd, program) ?? "" : "")
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Where(word => word.StartsWith('/') && File.Exists(word));

    // What a trusted program prints, or null if it fails or takes too long.
    private static string? Output(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            _ = process.StandardError.ReadToEndAsync();
            if (process.WaitForExit(limit) && output.Wait(limit))
                return process.ExitCode == 0 ? output.Result : null;
            process.Kill(entireProcessTree: true);
            return null;
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return null;
        }
    }
}
