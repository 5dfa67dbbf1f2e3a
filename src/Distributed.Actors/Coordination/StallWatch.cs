namespace Distributed.Actors.Coordination;

/// <summary>Notices when nothing has moved for too long; says so once until something moves again.</summary>
public sealed class StallWatch(int timeoutMs)
{
    private long _lastProgressMs;
    private bool _said;

    /// <summary>Something moved.</summary>
    public void Progress(long nowMs)
    {
        _lastProgressMs = nowMs;
        _said = false;
    }

    /// <summary>Whether nothing has moved for longer than the time-out, for the first time.</summary>
    public bool IsNewAt(long nowMs)
    {
        if (_said || nowMs - _lastProgressMs <= timeoutMs) return false;
        _said = true;
        return true;
    }

    /// <summary>Whole seconds without progress.</summary>
    public long QuietSeconds(long nowMs) => (nowMs - _lastProgressMs) / 1000;
}
