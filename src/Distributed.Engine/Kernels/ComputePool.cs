using System.Runtime.ExceptionServices;

namespace Distributed.Engine.Kernels;

/// <summary>
/// A fixed set of threads that run the same work at once, the caller being the first of them. Idle threads spin for a few
/// microseconds and then sleep, so that two pools in one process do not take each other's cores. One caller at a time.
/// </summary>
internal sealed class ComputePool : IDisposable
{
    private const int Spins = 200;
    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private Action<int>? _work;
    private volatile int _round;
    private volatile int _running;
    private volatile bool _closed;
    private ExceptionDispatchInfo? _failure;

    /// <param name="threads">How many run at once, the caller included; at least 1.</param>
    public ComputePool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Threads = threads;
        _threads = new Thread[threads - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var index = i + 1;
            _threads[i] = new Thread(() => Serve(index)) { IsBackground = true, Name = $"compute-{index}" };
            _threads[i].Start();
        }
    }

    public int Threads { get; }

    /// <summary>Calls <paramref name="work"/> with 0 .. Threads - 1, each on its own thread, and returns when all are done; the first exception is rethrown.</summary>
    public void Run(Action<int> work)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_threads.Length == 0)
        {
            work(0);
            return;
        }

        lock (_gate)
        {
            _work = work;
            _failure = null;
            _running = _threads.Length;
            _round++;
            Monitor.PulseAll(_gate);
        }

        Guarded(work, 0);
        for (var spin = 0; spin < Spins && _running > 0; spin++)
            Thread.SpinWait(20);
        lock (_gate)
        {
            while (_running > 0)
                Monitor.Wait(_gate);
            _work = null;
        }

        _failure?.Throw();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }

        foreach (var thread in _threads)
            thread.Join();
    }

    private void Serve(int index)
    {
        for (var done = 0; ;)
        {
            for (var spin = 0; spin < Spins && _round == done && !_closed; spin++)
                Thread.SpinWait(20);
            Action<int> work;
            lock (_gate)
            {
                while (_round == done && !_closed)
                    Monitor.Wait(_gate);
                if (_closed)
                    return;
                done = _round;
                work = _work!;
            }

            Guarded(work, index);
            lock (_gate)
                if (--_running == 0)
                    Monitor.PulseAll(_gate);
        }
    }

    private void Guarded(Action<int> work, int index)
    {
        try
        {
            work(index);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
        }
    }
}
