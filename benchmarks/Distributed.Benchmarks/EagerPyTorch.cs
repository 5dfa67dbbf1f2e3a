using System.Diagnostics;
using System.Globalization;

namespace Distributed.Benchmarks;

/// <summary>The process of torch/eager.py: plain PyTorch on the same work.</summary>
internal sealed class EagerPyTorch : IDisposable
{
    private readonly Process _process;

    private EagerPyTorch(Process process, string name) => (_process, Name) = (process, name);

    /// <summary>What it says that it is.</summary>
    public string Name { get; }

    /// <summary>Starts it; null, and why, if no Python can import torch.</summary>
    /// <param name="script">eager.py.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="compute">float32 or bfloat16.</param>
    /// <param name="threads">Threads on a CPU.</param>
    public static (EagerPyTorch? Peer, string? Why) Start(string script, string device, string compute, int threads)
    {
        if (!File.Exists(script)) return (null, $"there is no {script}");
        var named = Environment.GetEnvironmentVariable("PYTHON");
        foreach (var python in named is { Length: > 0 } ? [named] : new[] { "python3", "/usr/bin/python3" })
        {
            var start = new ProcessStartInfo(python, [script, device, compute, threads.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = named is null };
            try
            {
                var process = Process.Start(start)!;
                if (named is null) process.ErrorDataReceived += static (_, _) => { };
                if (named is null) process.BeginErrorReadLine();
                if (process.StandardOutput.ReadLine() is { } name) return (new EagerPyTorch(process, name), null);
                process.WaitForExit();
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // There is none of that name.
            }
        }

        return (null, "no python3 that can import torch; PYTHON names one");
    }

    /// <summary>Has it do something.</summary>
    /// <returns>Seconds and the value, as eager.py says.</returns>
    public (double Seconds, double Value) Ask(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        var words = (_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"PyTorch ended on '{command}'; run torch/eager.py by hand to see why")).Split(' ');
        return (double.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(10_000)) _process.Kill();
        _process.Dispose();
    }
}
