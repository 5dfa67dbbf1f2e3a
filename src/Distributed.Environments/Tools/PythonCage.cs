using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.Versioning;

namespace Distributed.Environments.Tools;

/// <summary>
/// Makes the command a program is run with. Isolated: `unshare` gives it namespaces of its own (mounts, processes, network, names; of users too
/// where we are not root), a shell mounts a root folder that holds nothing but the interpreter and the libraries it is loaded with, the
/// standard library read-only and a scratch space in memory; `chroot`, `setpriv` and `prlimit` lock it. Every program gets a new one.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class PythonCage : IDisposable
{
    // Nobody's: no file belongs to it and no one else runs under it.
    private const string UserId = "1900000000";
    private const string Scratch = "/scratch";

    private static readonly UnixFileMode everyoneReads = (UnixFileMode)0b111_101_101;

    private readonly PythonToolOptions options;
    private readonly PythonInterpreter python;
    private readonly DirectoryInfo folder;
    private readonly Dictionary<string, string> programs = new(StringComparer.Ordinal);

    /// <summary>For this interpreter and these bounds.</summary>
    /// <exception cref="EnvironmentSetupException">This machine lacks what it is made with.</exception>
    public PythonCage(PythonToolOptions options)
    {
        this.options = options;
        python = PythonInterpreter.Find(options.Interpreter);
        foreach (var name in Needed())
        {
            programs[name] = PythonInterpreter.OnPath(name) ?? throw new EnvironmentSetupException(
                $"environment option tool: python needs the program {name} (of util-linux or coreutils), which is not there: install it, or set tool to calculator");
        }

        folder = Directory.CreateTempSubdirectory("distributed-python-");
        try
        {
            if (Isolated)
                Furnish();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new EnvironmentSetupException($"{folder.FullName}: the python tool's root folder cannot be made ({error.Message.ReplaceLineEndings(" ")}): make room in the folder for temporary files", error);
        }
    }

    /// <summary>Folder of the programs' root and, without isolation, of their scratch folders.</summary>
    public string Folder => folder.FullName;

    private bool Isolated => options.Sandbox == PythonSandbox.Isolated;

    private static bool IsRoot => Environment.IsPrivilegedProcess;

    private string Root => Path.Combine(folder.FullName, "root");

    /// <summary>The command of one program, which it reads from standard input.</summary>
    /// <param name="scratch">Without isolation, the folder it works in; else null.</param>
    public ProcessStartInfo Command(string? scratch)
    {
        // Whatever else happens, also to this process: that long after its start everything is gone.
        var seconds = Number((options.StartLimit + options.TimeLimit).TotalSeconds + 1);
        List<string> command = Isolated
            ?
            [
                programs["unshare"], .. IsRoot ? ReadOnlySpan<string>.Empty : ["--user", "--map-root-user"], "--mount", "--net", "--ipc", "--uts", "--pid",
                "--fork", "--kill-child=KILL", programs["sh"], "-c", Resource("isolate.sh"), "sh", Root, python.Library, Number(options.ScratchMegabytes), seconds,
                "/bin/setpriv", .. Identity(), "/bin/prlimit",
            ]
            : [programs["timeout"], "-s", "KILL", seconds, programs["setpriv"], .. Identity(), programs["prlimit"]];
        command.AddRange(
        [
            "--nproc=1", $"--as={Bytes(options.MemoryMegabytes)}", $"--fsize={Bytes(options.ScratchMegabytes)}", "--core=0", "--nofile=32",
            "--cpu=" + Number(Math.Ceiling(options.TimeLimit.TotalSeconds) + 1),
            python.Executable, "-s", "-S", "-B", "-c", Resource("runner.py"),
        ]);
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = scratch ?? "/",
        };

        // Nothing of ours is handed on; hashes of texts, and so the order of sets, are the same every time.
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin:" + Environment.GetEnvironmentVariable("PATH");
        start.Environment["PYTHONHASHSEED"] = "0";
        start.Environment["LANG"] = "C.UTF-8";
        start.Environment["TMPDIR"] = scratch ?? Scratch;
        return start;
    }

    /// <summary>Removes the root folder.</summary>
    public void Dispose()
    {
        try
        {
            folder.Delete(recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It holds copies of system libraries only, in the folder for temporary files.
        }
    }

    private IEnumerable<string> Needed() => Isolated
        ? ["unshare", "sh", "mount", "timeout", "chroot", "setpriv", "prlimit"]
        : ["timeout", "setpriv", "prlimit"];

    // Root becomes nobody. In a user namespace of its own the program is root in name and loses every capability.
    private IEnumerable<string> Identity() =>
    [
        .. IsRoot ? new[] { "--reuid", UserId, "--regid", UserId, "--clear-groups" } : [],
        "--inh-caps=-all", "--no-new-privs", .. IsRoot || Isolated ? new[] { "--bounding-set=-all" } : [],
    ];

    // Copies of the interpreter and of the libraries it is loaded with; empty folders where the rest is mounted.
    private void Furnish()
    {
        var files = new SortedSet<string>(StringComparer.Ordinal) { python.Executable };
        foreach (var library in PythonInterpreter.SharedLibraries(python.Executable))
            files.Add(library);
        MakeFolder(Root);
        MakeFolder(Root + Scratch);
        MakeFolder(Root + python.Library);
        foreach (var name in (ReadOnlySpan<string>)["setpriv", "prlimit"])
        {
            foreach (var library in PythonInterpreter.SharedLibraries(programs[name]))
                files.Add(library);
            Copy(programs[name], $"{Root}/bin/{name}");
        }

        foreach (var file in files)
            Copy(file, Root + file);
    }

    private static void Copy(string from, string to)
    {
        MakeFolder(Path.GetDirectoryName(to)!);
        File.Copy(from, to, overwrite: true);
        File.SetUnixFileMode(to, everyoneReads);
    }

    private static void MakeFolder(string path)
    {
        if (Directory.Exists(path))
            return;
        MakeFolder(Path.GetDirectoryName(path)!);
        Directory.CreateDirectory(path, everyoneReads);
    }

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string Bytes(int megabytes) => ((long)megabytes << 20).ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
