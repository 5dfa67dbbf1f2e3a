using System.Diagnostics;

namespace Distributed.Node.Fuzzing;

/// <summary>Breaks inputs and looks what their reader makes of them. The same seed gives the same inputs.</summary>
internal static class FuzzRun
{
    /// <summary>Longest one input may take.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Most one input may make a reader allocate on the managed heap, beyond this many times its own length.</summary>
    public const long MostBytes = 128L << 20;

    private const int BytesPerByte = 256;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs inputs one after the other.</summary>
    /// <param name="target">The reader.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Which ones.</param>
    /// <param name="keep">Where to save inputs that fail, or null.</param>
    /// <param name="cancel">Stops between two inputs.</param>
    public static FuzzOutcome Run(FuzzTarget target, int count, ulong seed, string? keep, CancellationToken cancel)
    {
        var outcome = new FuzzOutcome(target.Kind);
        var (index, watched, looks) = (0, -1, 0);
        byte[] input = [];
        var worker = new Thread(() =>
        {
            for (; index < count && !cancel.IsCancellationRequested; index++)
            {
                input = Mutation.Of(target.Seeds, seed, index);
                ReadOne(target, input, index, outcome, keep);
            }
        })
        { IsBackground = true, Name = "fuzz" };
        worker.Start();
        while (!worker.Join(Look))
        {
            // Looks are counted instead of time, which goes on while the machine sleeps.
            (watched, looks) = Volatile.Read(ref index) == watched ? (watched, looks + 1) : (Volatile.Read(ref index), 0);
            if (looks * Look <= Deadline)
                continue;
            // A thread cannot be ended from outside, so the run ends here and the process after it.
            var hung = new FuzzOutcome(target.Kind) { Inputs = outcome.Inputs + 1, Accepted = outcome.Accepted, Refused = outcome.Refused, Slowest = Deadline, MostBytes = outcome.MostBytes };
            hung.AddFailure(index, $"took longer than {Deadline.TotalSeconds:0} s{Keep(keep, target.Kind, seed, index, input)}");
            return hung;
        }

        cancel.ThrowIfCancellationRequested();
        return outcome;

        void ReadOne(FuzzTarget read, byte[] bytes, int number, FuzzOutcome into, string? folder)
        {
            into.Inputs++;
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            string? failure = null;
            try
            {
                read.Read(bytes);
                into.Accepted++;
            }
            catch (Exception error) when (read.IsRefusal(error))
            {
                into.Refused++;
                failure = error.Message.AsSpan().ContainsAny('\n', '\r') ? "a refusal of several lines" : null;
            }
            catch (Exception error)
            {
                failure = $"{error.GetType().Name}: {error.Message} {error.StackTrace?.Split('\n').FirstOrDefault()?.Trim()}";
            }

            var (took, allocated) = (Stopwatch.GetElapsedTime(start), GC.GetAllocatedBytesForCurrentThread() - before);
            into.Slowest = took > into.Slowest ? took : into.Slowest;
            into.MostBytes = Math.Max(into.MostBytes, allocated);
            failure ??= allocated > MostBytes + ((long)bytes.Length * BytesPerByte) ? $"allocated {allocated >> 20} MiB for {bytes.Length} bytes" : null;
            if (failure is not null)
                into.AddFailure(number, failure + Keep(folder, read.Kind, seed, number, bytes));
        }
    }

    private static string Keep(string? folder, string kind, ulong seed, int index, byte[] input)
    {
        if (folder is null)
            return "";
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $"{kind}-{seed}-{index}.bin");
        File.WriteAllBytes(path, input);
        return $" ({path})";
    }
}
