using Distributed.Ports;
using Distributed.Simulation.Host;

namespace Distributed.Simulation.World;

/// <summary>What a node's tools are doing wrong at the moment.</summary>
public sealed class ToolFaults
{
    /// <summary>Steps throw.</summary>
    public bool Throw { get; set; }

    /// <summary>Steps never come back.</summary>
    public bool Hang { get; set; }

    /// <summary>Steps take this many times as long.</summary>
    public double Slowdown { get; set; } = 1;

    /// <summary>Called with the fault's name whenever one is met.</summary>
    public Action<string> Met { get; set; } = static _ => { };

    /// <summary>Heals everything.</summary>
    public void Clear() => (Throw, Hang, Slowdown) = (false, false, 1);
}

/// <summary>Tools on virtual time: every step is answered once, at the latest when its time is up.</summary>
public sealed class SimulatedEpisodeHost(ITimeline timeline, RandomStream stream, double medianSeconds, string timeoutReply, ToolFaults faults) : IEpisodeHost
{
    private long _steps;
    private long _failed;
    private long _timedOut;
    private bool _dead;

    /// <summary>Spread of a step's time: standard deviation of its logarithm.</summary>
    public double Sigma { get; init; } = 0.6;

    /// <inheritdoc/>
    public EpisodeHostCounters Counters => new(_steps, _failed, _timedOut, 0, 0, 0, 0, 0, 0, 0);

    /// <inheritdoc/>
    public void Step(IEpisode episode, string action, TimeSpan limit, Action<StepResult> reply)
    {
        _steps++;
        var duration = TimeSpan.FromSeconds(stream.LogNormal(medianSeconds, Sigma) * faults.Slowdown);
        if (faults.Slowdown > 1) faults.Met("slow-tool");
        if (faults.Hang) faults.Met("tool-hang");
        if (faults.Throw) faults.Met("tool-throws");
        var (late, thrown) = (faults.Hang || duration >= limit, faults.Throw);
        if (late)
        {
            _timedOut++;
            faults.Met("tool-late");
        }
        else if (thrown)
        {
            _failed++;
        }
        timeline.After(late ? limit : duration, () =>
        {
            if (!_dead) reply(late || thrown ? new StepResult.Observation(timeoutReply, ToolError: true) : episode.Step(action, CancellationToken.None));
        });
    }

    /// <inheritdoc/>
    public void End(IEpisode episode) => episode.Dispose();

    /// <inheritdoc/>
    public void Dispose() => _dead = true;
}
