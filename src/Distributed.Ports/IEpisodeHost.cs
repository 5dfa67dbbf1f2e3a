namespace Distributed.Ports;

/// <summary>
/// Runs the turns of episodes away from the caller, under a time limit. What goes wrong in an environment never reaches the caller:
/// a step that throws, hangs or cannot be taken becomes an ordinary observation with <c>ToolError</c> set, and is counted.
/// </summary>
/// <remarks>
/// Every step is answered exactly once. A step that is refused is answered before <see cref="Step"/> returns, any other on a thread of the
/// host. The callback must only hand the result on (an actor tells itself); it must not block and must not throw.
/// </remarks>
public interface IEpisodeHost : IDisposable
{
    /// <summary>Takes the agent's turn in an episode.</summary>
    /// <param name="episode">Not in use by another step of the caller.</param>
    /// <param name="action">The text of the agent's turn.</param>
    /// <param name="limit">Longest the step may run, and longest it may wait for a thread before that.</param>
    /// <param name="reply">Called once with what the step led to.</param>
    void Step(IEpisode episode, string action, TimeSpan limit, Action<StepResult> reply);

    /// <summary>Disposes an episode, on a thread of the host, once no step of it is running any more.</summary>
    void End(IEpisode episode);

    /// <summary>What happened so far.</summary>
    EpisodeHostCounters Counters { get; }
}

/// <summary>What an episode host has done since it began.</summary>
/// <param name="Steps">Steps asked for; each was or will be answered once.</param>
/// <param name="Failed">Steps that threw or returned nothing.</param>
/// <param name="TimedOut">Steps answered because their time was up.</param>
/// <param name="RefusedQueueFull">Steps refused because too many were waiting.</param>
/// <param name="RefusedNoThread">Steps refused because every thread was hung in an earlier step, or none became free in time.</param>
/// <param name="RefusedEpisodeBusy">Steps refused because an earlier step of the same episode had run out of time and still ran.</param>
/// <param name="RefusedStopped">Steps refused because the host was being stopped.</param>
/// <param name="NotDisposed">Episodes whose disposal threw or was dropped.</param>
/// <param name="Threads">Threads alive now, hung ones included.</param>
/// <param name="HungThreads">Threads now inside a step whose time is up.</param>
public sealed record EpisodeHostCounters(
    long Steps,
    long Failed,
    long TimedOut,
    long RefusedQueueFull,
    long RefusedNoThread,
    long RefusedEpisodeBusy,
    long RefusedStopped,
    long NotDisposed,
    int Threads,
    int HungThreads);
