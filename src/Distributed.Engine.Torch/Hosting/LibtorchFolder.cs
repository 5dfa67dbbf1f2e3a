using System.Diagnostics;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>Where libtorch may lie on this machine.</summary>
internal static class LibtorchFolder
{
    private const string AskPython = "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>The folder that a person named, or the first that has libtorch_cpu: the program's own, those of the loader's path, Python's torch. Null if none has.</summary>
    /// <param name="named">What a person named, or null.</param>
    public static string? Find(string? named) => named is { Length: > 0 } ? named : ProgramFolders.Concat(LoaderPath).Concat(PythonFolder()).FirstOrDefault(HasLibtorch);

    /// <summary>Whether a folder has libtorch_cpu.</summary>
    public static bool HasLibtorch(string folder) => File.Exists(Path.Combine(folder, FileName("torch_cpu")));

    /// <summary>Where the runtime looks for this program's native libraries: those of packages, then beside the program.</summary>
    public static IEnumerable<string> ProgramFolders =>
        Split(AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string).Append(AppContext.BaseDirectory).Append(Path.Combine(AppContext.BaseDirectory, "runtimes", Rid, "native"));

    /// <summary>This system as packages name it.</summary>
    public static string Rid =>
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    /// <summary>A library's file on this system.</summary>
    /// <param name="library">Its bare name.</param>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static IEnumerable<string> LoaderPath =>
        Split(Environment.GetEnvironmentVariable(OperatingSystem.IsWindows() ? "PATH" : OperatingSystem.IsMacOS() ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH"));

    // Only Python knows where its packages are. It does not load torch for this.
    private static IEnumerable<string> PythonFolder()
    {
        var start = new ProcessStartInfo(OperatingSystem.IsWindows() ? "python" : "python3", ["-c", AskPython]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        string package;
        try
        {
            using var python = Process.Start(start)!;
            python.StandardInput.Close();
            var (answer, complaints) = (python.StandardOutput.ReadToEndAsync(), python.StandardError.ReadToEndAsync());
            if (!Task.WhenAll(answer, complaints).Wait(s_patience) || !python.WaitForExit(s_patience))
            {
                python.Kill(entireProcessTree: true);
                yield break;
            }

            package = answer.Result.Trim();
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException or IOException)
        {
            yield break; // there is no Python
        }

        if (package.Length > 0)
            yield return Path.Combine(package, "lib");
    }

    private static string[] Split(string? path) => (path ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
