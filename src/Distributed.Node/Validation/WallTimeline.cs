using Distributed.Simulation.Host;

namespace Distributed.Node.Validation;

/// <summary>The timeline of simulated engines on real time: one thread does everything that is due, and what other threads ask for.</summary>
internal sealed class WallTimeline : ITimeline, IDisposable
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<Action, (long At, long Sequence)> _due = new();
    private readonly AutoResetEvent _changed = new(false);
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private readonly Thread _thread;
    private long _sequence;
    private volatile bool _over;

    public WallTimeline()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "timeline" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public long NowTicks => TimeProvider.System.GetElapsedTime(_began).Ticks;

    /// <inheritdoc/>
    public void After(TimeSpan delay, Action action)
    {
        lock (_gate) _due.Enqueue(action, (NowTicks + Math.Max(0, delay.Ticks), _sequence++));
        _changed.Set();
    }

    /// <summary>Does something at once, on the timeline's thread.</summary>
    public void Post(Action action) => After(TimeSpan.Zero, action);

    /// <inheritdoc/>
    public void Dispose()
    {
        _over = true;
        _changed.Set();
        _thread.Join(TimeSpan.FromSeconds(5));
        _changed.Dispose();
    }

    private void Run()
    {
        while (!_over)
        {
            Action? next = null;
            var wait = TimeSpan.FromSeconds(1);
            lock (_gate)
            {
                if (_due.TryPeek(out _, out var key))
                {
                    var left = key.At - NowTicks;
                    if (left <= 0) next = _due.Dequeue();
                    else wait = TimeSpan.FromTicks(Math.Min(left, wait.Ticks));
                }
            }

            if (next != null) next();
            else _changed.WaitOne(wait);
        }
    }
}
