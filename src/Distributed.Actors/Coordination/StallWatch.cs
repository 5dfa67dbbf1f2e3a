namespace Distributed.Actors.Coordination;

/// <summary>
/// Notices when nothing has moved for too long; says so once until something moves again. A stretch in which nobody asked it anything is a pause of this very process (stopped, or
/// without a processor): nothing could have moved then, and it does not count.
/// </summary>
/// <param name="timeoutMs">So long without progress is a stall, in milliseconds.</param>
/// <param name="tickMs">Milliseconds between two questions when all is well.</param>
public sealed class StallWatch(int timeoutMs, int tickMs)
{
    private const int TicksOfAPause = 5;
    private readonly long _longestGapMs = Math.Max(timeoutMs / 4, TicksOfAPause * (long)tickMs);
    private long _lastProgressMs;
    private long _lastSeenMs;
    private bool _said;

    /// <summary>Something moved.</summary>
    public void Progress(long nowMs)
    {
        _lastProgressMs = _lastSeenMs = nowMs;
        _said = false;
    }

    /// <summary>Whether nothing has moved for longer than the time-out, for the first time.</summary>
    public bool IsNewAt(long nowMs)
    {
        var gap = nowMs - _lastSeenMs;
        _lastSeenMs = nowMs;
        if (gap > _longestGapMs) _lastProgressMs += gap;
        if (_said || nowMs - _lastProgressMs <= timeoutMs) return false;
        _said = true;
        return true;
    }

    /// <summary>Whole seconds without progress.</summary>
    public long QuietSeconds(long nowMs) => (nowMs - _lastProgressMs) / 1000;
}
