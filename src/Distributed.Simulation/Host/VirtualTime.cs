namespace Distributed.Simulation.Host;

/// <summary>The simulation's clock. It stands still while actors work and jumps to the next timer when none has anything to do.</summary>
/// <param name="host">The simulation.</param>
public sealed class VirtualTime(SimulationHost host) : TimeProvider
{
    /// <summary>When every simulation begins.</summary>
    public static DateTimeOffset Beginning { get; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far this clock is ahead of the simulation's: a clock jump.</summary>
    public TimeSpan Ahead { get; set; }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Beginning.AddTicks(GetTimestamp());

    /// <inheritdoc/>
    public override long GetTimestamp() => host.NowTicks + Ahead.Ticks;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(host, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimulationHost host, Action action) : ITimer
    {
        private VirtualTimer? _entry;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _entry?.Cancel();
            if (dueTime >= TimeSpan.Zero) _entry = host.After(dueTime, action, every: period > TimeSpan.Zero ? period : null);
            return true;
        }

        public void Dispose() => _entry?.Cancel();

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Something that will happen at a virtual time.</summary>
public sealed class VirtualTimer
{
    private readonly Func<bool> _cancelled;
    private bool _dead;

    internal VirtualTimer(Action action, Func<bool>? cancelled, TimeSpan? every)
    {
        (Action, Every) = (action, every);
        _cancelled = cancelled ?? (static () => false);
    }

    internal Action Action { get; }

    internal TimeSpan? Every { get; }

    internal bool IsCancelled => _dead || _cancelled();

    /// <summary>It will not happen.</summary>
    public void Cancel() => _dead = true;
}
