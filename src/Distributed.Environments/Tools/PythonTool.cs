using System.Globalization;
using System.Runtime.Versioning;

namespace Distributed.Environments.Tools;

/// <summary>
/// Runs Python programs, each in a process and a sandbox of its own that are gone when the reply is given. Whatever a program does comes back as a
/// reply within its limits; docs/environments.md says what the sandbox keeps in and what it does not.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class PythonTool : ICodeTool
{
    private readonly PythonToolOptions options;
    private readonly PythonCage cage;
    private readonly SemaphoreSlim slots;
    private long scratchFolders;

    /// <summary>Looks for what is needed and runs a first program.</summary>
    /// <exception cref="EnvironmentSetupException">Python or the sandbox is not to be had here.</exception>
    public PythonTool(PythonToolOptions options)
    {
        this.options = options;
        cage = new PythonCage(options);
        slots = new SemaphoreSlim(options.MostAtOnce);
        var problem = Problem();
        if (problem is null)
            return;
        Dispose();
        throw new EnvironmentSetupException(
            $"environment option tool: python does not work here with sandbox {(options.Sandbox == PythonSandbox.Isolated ? "isolated" : "limits-only")} ({problem}): "
            + (options.Sandbox == PythonSandbox.Isolated
                ? "allow namespaces (run as root, or let users make them: sysctl user.max_user_namespaces), give up isolation (sandbox: limits-only), or set tool to calculator"
                : "set tool to calculator"));
    }

    /// <inheritdoc/>
    public CodeReply Run(string program, CancellationToken cancel)
    {
        if (program.Length > options.MostProgramCharacters)
            return new CodeReply("error too long", Failed: true);
        if (!slots.Wait(options.StartLimit, cancel))
            throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"python: no slot for a program within {options.StartLimit.TotalSeconds} s"));
        try
        {
            return Start(program, cancel);
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Removes what sandboxes are made of.</summary>
    public void Dispose()
    {
        slots.Dispose();
        cage.Dispose();
    }

    private CodeReply Start(string program, CancellationToken cancel)
    {
        var scratch = options.Sandbox == PythonSandbox.LimitsOnly ? MakeScratch() : null;
        try
        {
            var sandboxed = new SandboxedProgram(cage.Command(scratch), program, options);
            var end = sandboxed.Run(cancel);
            return end == ProgramEnd.NotStarted
                ? throw new IOException($"python: the sandbox did not start: {(sandboxed.Text.Length > 0 ? sandboxed.Text : "it said nothing")}")
                : Reply(sandboxed.Text.Trim(), end, sandboxed.ExitCode);
        }
        finally
        {
            if (scratch is not null)
                RemoveScratch(scratch);
        }
    }

    private CodeReply Reply(string text, ProgramEnd end, int exitCode)
    {
        var error = end switch
        {
            ProgramEnd.OutOfTime => "error time",
            ProgramEnd.TooMuchOutput => "error output",
            _ when exitCode > 1 => "error killed",
            _ => null,
        };
        var most = options.MostCharacters;
        if (text.Length > most)
            text = text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)] + " ...";
        text = error is null ? text : text.Length > 0 ? $"{text}\n{error}" : error;
        return new CodeReply(text.Length > 0 ? text : "no value", Failed: end != ProgramEnd.Exited || exitCode != 0);
    }

    // Why the sandbox does not work, or null.
    private string? Problem()
    {
        try
        {
            var reply = Run("6 * 7", CancellationToken.None);
            return reply is { Text: "42", Failed: false } ? null : $"a first program answered '{reply.Text}'";
        }
        catch (Exception error) when (error is IOException or System.ComponentModel.Win32Exception or TimeoutException)
        {
            return error.Message;
        }
    }

    // Whoever the program runs as may write there, and only there does anybody but its user write.
    private string MakeScratch()
    {
        var path = Path.Combine(cage.Folder, string.Create(CultureInfo.InvariantCulture, $"scratch-{Interlocked.Increment(ref scratchFolders)}"));
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(cage.Folder, (UnixFileMode)0b111_001_001);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
        return path;
    }

    private static void RemoveScratch(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Removed with the cage's folder, or left to the system's cleaning of temporary files.
        }
    }
}
