using System.Buffers;
using System.Diagnostics;
using System.Text;

namespace Distributed.Environments.Tools;

/// <summary>How a program ended.</summary>
internal enum ProgramEnd
{
    /// <summary>By itself.</summary>
    Exited,

    /// <summary>Its time was up.</summary>
    OutOfTime,

    /// <summary>It printed too much.</summary>
    TooMuchOutput,

    /// <summary>It never began: the sandbox could not be set up.</summary>
    NotStarted,
}

/// <summary>One program in its sandbox, from start to end. Nothing of it is left when <see cref="Run"/> returns.</summary>
/// <param name="command">What to start.</param>
/// <param name="program">Written to its standard input.</param>
/// <param name="options">Limits.</param>
internal sealed class SandboxedProgram(ProcessStartInfo command, string program, PythonToolOptions options)
{
    // The runner's first byte: the program is about to run.
    private const byte Begun = 1;
    private const int MostErrorBytes = 4096;

    // A killed process is gone at once, unless the machine is very busy; nobody waits longer for it.
    private static readonly TimeSpan goneLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan endLimit = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource overflow = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ArrayBufferWriter<byte> output = new();

    /// <summary>Output, decoded as UTF-8 and cut to the limit; or, if not started, what the sandbox said.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Exit code of a program that exited.</summary>
    public int ExitCode { get; private set; }

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the program is ended.</exception>
    public ProgramEnd Run(CancellationToken cancel)
    {
        using var process = Process.Start(command)!;
        var reading = OnOwnThread(() => ReadOutput(process.StandardOutput.BaseStream));
        var errors = OnOwnThread(() => ReadErrors(process.StandardError.BaseStream));
        try
        {
            _ = OnOwnThread(() => Feed(process));
            if (Task.WaitAny([begun.Task, reading], (int)options.StartLimit.TotalMilliseconds, cancel) != 0 && !begun.Task.IsCompleted)
                return NotStarted(process, reading, errors);
            var began = Stopwatch.GetTimestamp();
            var first = Task.WaitAny([reading, overflow.Task], (int)options.TimeLimit.TotalMilliseconds, cancel);
            var exited = first == 0 && !overflow.Task.IsCompleted && process.WaitForExit(TimeLeft(began));
            ExitCode = exited ? process.ExitCode : -1;
            var end = exited ? ProgramEnd.Exited : overflow.Task.IsCompleted ? ProgramEnd.TooMuchOutput : ProgramEnd.OutOfTime;
            End(process, reading, errors);
            Text = Decode();
            return end;
        }
        finally
        {
            End(process, reading, errors);
        }
    }

    private ProgramEnd NotStarted(Process process, Task reading, Task<string> errors)
    {
        End(process, reading, errors);
        Text = errors.IsCompletedSuccessfully ? errors.Result.Trim().ReplaceLineEndings(" ") : "";
        return ProgramEnd.NotStarted;
    }

    // A program that has closed its output may go on until its time is up; one that ends is gone soon after.
    private TimeSpan TimeLeft(long began)
    {
        var left = options.TimeLimit - Stopwatch.GetElapsedTime(began);
        return left > endLimit ? left : endLimit;
    }

    private static Task<T> OnOwnThread<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static Task OnOwnThread(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Feed(Process process)
    {
        try
        {
            process.StandardInput.BaseStream.Write(Encoding.UTF8.GetBytes(program));
            process.StandardInput.Close();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It ended before it had read its program; its output says why.
        }
    }

    private static void End(Process process, Task reading, Task errors)
    {
        try
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
        catch (Exception error) when (error is InvalidOperationException or AggregateException or System.ComponentModel.Win32Exception)
        {
            // It ended in this moment, or its namespace's first process took the rest with it.
        }

        process.WaitForExit(goneLimit);
        Task.WaitAll([reading, errors], goneLimit);
    }

    private void ReadOutput(Stream stream)
    {
        var most = (long)options.MostCharacters * 4;
        var buffer = new byte[4096];
        try
        {
            while (stream.Read(buffer) is > 0 and var got)
            {
                var start = 0;
                if (!begun.Task.IsCompleted)
                {
                    if (buffer[0] != Begun)
                        return;
                    start = 1;
                    begun.TrySetResult();
                }

                var room = (int)Math.Min(got - start, most - output.WrittenCount);
                lock (output)
                    output.Write(buffer.AsSpan(start, room));
                if (room < got - start)
                {
                    overflow.TrySetResult();
                    return;
                }
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The program's end closed the pipe.
        }
    }

    private static string ReadErrors(Stream stream)
    {
        var text = new MemoryStream();
        var buffer = new byte[1024];
        try
        {
            while (text.Length < MostErrorBytes && stream.Read(buffer) is > 0 and var got)
                text.Write(buffer, 0, got);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The program's end closed the pipe.
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }

    private string Decode()
    {
        lock (output)
            return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
