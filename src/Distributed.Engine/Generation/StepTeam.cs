using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Distributed.Engine.Generation;

/// <summary>Work that falls into phases, each of them into chunks that do not depend on each other.</summary>
internal interface IPhasedWork
{
    /// <summary>Does a chunk of the phase under way. <paramref name="phase"/> is another number for every phase.</summary>
    void Do(int chunk, int thread, long phase);
}

/// <summary>
/// A leader and helpers that go through short phases of work together. Each thread has a range of the chunks of its own, so that what it
/// reads stays in its cache from step to step, and takes from the others' when it is done. A helper that is late, or that
/// another process keeps from running, finds nothing left to do: only a chunk that was begun is ever waited for.
/// </summary>
internal sealed class StepTeam
{
    /// <summary>Longs between two counters: two cache lines, as they are fetched in pairs.</summary>
    private const int Apart = 16;

    /// <summary>Looks at the phase before the core is offered to others: a few microseconds.</summary>
    private const int Polls = 100;

    private static readonly long SpinTicks = Stopwatch.Frequency / 5_000;
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(100);

    private readonly object _gate = new();
    private readonly int _threads;

    // Of every thread: phase (32 bits), next chunk (16 bits), end of its range (16 bits), changed together or not at all.
    private readonly long[] _ranges;
    private readonly long[] _done = new long[3 * Apart];
    private IPhasedWork? _work;
    private long _phase;
    private int _sleeping;
    private volatile bool _closed;
    private ExceptionDispatchInfo? _failure;

    /// <summary>A team of a number of threads, the leader's included.</summary>
    public StepTeam(int threads)
    {
        _threads = threads;
        _ranges = new long[(threads + 1) * Apart];
    }

    /// <summary>Threads, the leader's included.</summary>
    public int Threads => _threads;

    /// <summary>Most chunks of a phase.</summary>
    public static int MostChunks => ushort.MaxValue;

    /// <summary>Called by the leader before helpers come.</summary>
    public void Open() => _closed = false;

    /// <summary>Called by the leader: helpers leave.</summary>
    public void Close()
    {
        _closed = true;
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    /// <summary>Called by the leader: all chunks of a phase are done when it returns. The first exception of a chunk is thrown.</summary>
    public void Run(IPhasedWork work, int chunks)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chunks, MostChunks);
        var phase = (_phase + 1) & int.MaxValue;
        if (_threads == 1 || chunks <= 1)
        {
            Volatile.Write(ref _phase, phase);
            for (var chunk = 0; chunk < chunks; chunk++)
                work.Do(chunk, 0, phase);
            return;
        }

        _work = work;
        Volatile.Write(ref _done[Apart], 0);
        for (var thread = 0; thread < _threads; thread++)
        {
            long first = (long)chunks * thread / _threads, end = (long)chunks * (thread + 1) / _threads;
            Volatile.Write(ref _ranges[(thread + 1) * Apart], (phase << 32) | (first << 16) | end);
        }

        // A full fence: either a helper that goes to sleep sees the phase, or it is seen asleep.
        Interlocked.Exchange(ref _phase, phase);
        if (Volatile.Read(ref _sleeping) > 0)
            Wake();
        Take(phase, 0);
        var spinner = new SpinWait();
        while (Volatile.Read(ref _done[Apart]) < chunks)
            spinner.SpinOnce(sleep1Threshold: -1);
        if (_failure is not { } failure)
            return;
        _failure = null;
        failure.Throw();
    }

    /// <summary>A helper's loop, until the team is closed.</summary>
    public void Help(int thread)
    {
        long seen = 0;
        while (!_closed)
        {
            var phase = Await(seen);
            if (phase == seen)
                continue;
            seen = phase;
            Take(phase, thread);
        }
    }

    private long Await(long seen)
    {
        var began = Stopwatch.GetTimestamp();
        for (var polls = 1; ; polls++)
        {
            var phase = Volatile.Read(ref _phase);
            if (phase != seen || _closed)
                return phase;
            if (polls < Polls)
            {
                Thread.SpinWait(2);
                continue;
            }

            // The leader may be waiting for this very core.
            Thread.Yield();
            if (Stopwatch.GetTimestamp() - began > SpinTicks)
                break;
        }

        lock (_gate)
        {
            Interlocked.Increment(ref _sleeping);
            if (Volatile.Read(ref _phase) == seen && !_closed)
                Monitor.Wait(_gate, LongestSleep);
            Interlocked.Decrement(ref _sleeping);
        }

        return Volatile.Read(ref _phase);
    }

    private void Wake()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    private void Take(long phase, int thread)
    {
        for (var i = 0; i < _threads; i++)
        {
            var owner = thread + i < _threads ? thread + i : thread + i - _threads;
            ref var range = ref _ranges[(owner + 1) * Apart];
            var value = Volatile.Read(ref range);
            while (value >> 32 == phase && ((value >> 16) & ushort.MaxValue) < (value & ushort.MaxValue))
            {
                var before = Interlocked.CompareExchange(ref range, value + (1 << 16), value);
                if (before != value)
                {
                    value = before;
                    continue;
                }

                // The phase cannot end before this chunk, so what is read now is the phase's.
                Do((int)((value >> 16) & ushort.MaxValue), thread, phase);
                value = Volatile.Read(ref range);
            }
        }
    }

    private void Do(int chunk, int thread, long phase)
    {
        try
        {
            _work!.Do(chunk, thread, phase);
        }
        catch (Exception error)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null);
        }

        Interlocked.Increment(ref _done[Apart]);
    }
}
