using System.Diagnostics;
using System.Globalization;

namespace Distributed.Node.Cluster;

/// <summary>A node's process as it is to be started.</summary>
/// <param name="Name">The node's name.</param>
/// <param name="Arguments">Of the program.</param>
/// <param name="Log">Where its output goes; null: where this process's goes.</param>
/// <param name="Environment">Variables besides those of this process.</param>
internal sealed record NodeStart(string Name, IReadOnlyList<string> Arguments, string? Log, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>It is started again after saying that it cannot go on as often as after a crash.</summary>
    public bool IsPatient { get; init; }
}

/// <summary>
/// One node of a local cluster: a process that is started again, after a growing pause, when it dies. It ends when asked to or when the program
/// itself says that it is done (code 0), or that it cannot go on (code 1) too often or before <paramref name="mayRetry"/>.
/// </summary>
internal sealed class NodeProcess(NodeProgram program, NodeStart start, RestartPolicy policy, Func<bool> mayRetry, Action<string> notice) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ending = new();
    private Process? _process;
    private StreamWriter? _log;

    /// <summary>The node's name.</summary>
    public string Name => start.Name;

    /// <summary>Times it was started.</summary>
    public int Starts { get; private set; }

    /// <summary>Its process while it runs.</summary>
    public int? Pid
    {
        get
        {
            lock (_gate) return _process is { HasExited: false } process ? process.Id : null;
        }
    }

    /// <summary>Runs until it ends for good; the result is its last exit code.</summary>
    public async Task<int> RunAsync()
    {
        for (int inARow = 0, refusals = 0; ;)
        {
            var began = TimeProvider.System.GetTimestamp();
            var code = await Once().ConfigureAwait(false);
            if (code == 0 || _ending.IsCancellationRequested) return code;
            if (TimeProvider.System.GetElapsedTime(began) >= policy.SteadyAfter) inARow = 0;
            refusals = RestartPolicy.IsRefusal(code) ? refusals + 1 : 0;
            // One that has got somewhere may do so again: what ended it, a full disk for example, may be over.
            if ((refusals > 0 && !mayRetry()) || policy.Pause(inARow++, mayRetry() && start.IsPatient ? 0 : refusals) is not { } pause)
            {
                notice($"{Name} {RestartPolicy.Describe(code)} and is given up{(start.Log is null ? "" : $"; its last lines are in {start.Log}")}");
                return code;
            }

            notice(string.Create(CultureInfo.InvariantCulture, $"{Name} {RestartPolicy.Describe(code)}; started again in {pause.TotalSeconds:0.0} s"));
            try
            {
                await Task.Delay(pause, _ending.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return code;
            }
        }
    }

    /// <summary>Ends the process at once, as a crash would; it is started again.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            if (_process is { HasExited: false } process) process.Kill();
        }
    }

    /// <summary>Asks the process to end; it is not started again.</summary>
    public void AskToEnd()
    {
        lock (_gate)
        {
            _ending.Cancel();
            if (_process is not { HasExited: false } process) return;
            try
            {
                process.StandardInput.Close();
            }
            catch (Exception error) when (error is IOException or InvalidOperationException)
            {
                // It has ended meanwhile.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ending.Cancel();
        Kill();
        _ending.Dispose();
        _log?.Dispose();
    }

    private async Task<int> Once()
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program.File, [.. program.Arguments, .. start.Arguments])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = start.Log is not null,
                RedirectStandardError = start.Log is not null,
            },
        };
        foreach (var (variable, value) in start.Environment) process.StartInfo.Environment[variable] = value;
        lock (_gate)
        {
            if (_ending.IsCancellationRequested) return 0;
            process.Start();
            Starts++;
            _process = process;
        }

        if (start.Log is not null)
        {
            process.OutputDataReceived += (_, line) => Write(line.Data);
            process.ErrorDataReceived += (_, line) => Write(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        lock (_gate)
        {
            _process = null;
            return process.ExitCode;
        }
    }

    private void Write(string? line)
    {
        if (line is null) return;
        lock (_gate)
        {
            _log ??= new StreamWriter(start.Log!, append: true) { AutoFlush = true };
            try
            {
                _log.WriteLine(line);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // A line for people, on a full disk or after the end.
            }
        }
    }
}
