using System.Diagnostics;

using Distributed.Ports;

namespace Distributed.Environments.Hosting;

/// <summary>Bounds of an <see cref="EnvironmentHost"/>.</summary>
/// <param name="ToolTimeoutReply">The observation of a step that failed, ran out of time or was refused.</param>
/// <param name="MostWorkers">Most threads that take steps. One is enough for tools of microseconds; more are started only while steps wait.</param>
/// <param name="MostHung">Most threads left behind in steps whose time is up; each is replaced up to here, then steps are refused.</param>
/// <param name="MostWaiting">Most steps waiting for a thread.</param>
/// <param name="OnFailure">Told of every exception an environment throws, on the thread it was thrown on; must not throw.</param>
public sealed record EnvironmentHostOptions(
    string ToolTimeoutReply, int MostWorkers = 8, int MostHung = 16, int MostWaiting = 4096, Action<Exception>? OnFailure = null);

/// <summary>
/// Takes steps on dedicated threads. Begins with one thread, adds another while a step has waited a while and the bound allows, and replaces
/// threads that hang. A watch, asleep while nothing runs, answers for steps whose time is up.
/// </summary>
/// <remarks>
/// Invariants, all held under one lock: a step is answered by whoever moves it out of Running, the worker or the watch, so exactly
/// once; threads never exceed <c>MostWorkers + MostHung</c>; an episode is never entered while an overdue step of it runs.
/// </remarks>
public sealed partial class EnvironmentHost : IEpisodeHost
{
    private readonly object gate = new();
    private readonly EnvironmentHostOptions options;
    private readonly StepResult.Observation noReply;
    private readonly Queue<Job> waiting = new();
    private readonly Queue<IEpisode> ending = new();
    private readonly List<Worker> workers = [];
    private readonly Dictionary<IEpisode, Worker> overdue = new(ReferenceEqualityComparer.Instance);
    private readonly Watch watch;
    private int idle;
    private bool stopped;
    private Tally tally;

    /// <summary>With its bounds.</summary>
    public EnvironmentHost(EnvironmentHostOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MostWorkers, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MostHung);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MostWaiting, 1);
        this.options = options;
        noReply = new StepResult.Observation(options.ToolTimeoutReply, ToolError: true);
        watch = new Watch(this);
    }

    /// <inheritdoc/>
    public EpisodeHostCounters Counters
    {
        get
        {
            lock (gate)
            {
                return new EpisodeHostCounters(
                    tally.Steps, tally.Failed, tally.TimedOut, tally.QueueFull, tally.NoThread, tally.EpisodeBusy, tally.Stopped,
                    tally.NotDisposed, workers.Count, overdue.Count);
            }
        }
    }

    /// <inheritdoc/>
    public void Step(IEpisode episode, string action, TimeSpan limit, Action<StepResult> reply)
    {
        lock (gate)
        {
            tally.Steps++;
            if (Admit(episode))
            {
                waiting.Enqueue(new Job(episode, action, reply, Ticks(limit), Stopwatch.GetTimestamp()));
                CallWorker();
                return;
            }
        }

        Answer(reply, noReply);
    }

    /// <inheritdoc/>
    public void End(IEpisode episode)
    {
        lock (gate)
        {
            if (stopped || ending.Count >= 2 * options.MostWaiting)
            {
                tally.NotDisposed++;
                return;
            }

            ending.Enqueue(episode);
            CallWorker();
        }
    }

    /// <summary>Answers what waits as refused and lets the threads end; steps already running are still answered.</summary>
    public void Dispose()
    {
        List<Job> left;
        lock (gate)
        {
            if (stopped)
                return;
            stopped = true;
            left = [.. waiting];
            waiting.Clear();
            tally.Stopped += left.Count;
            Monitor.PulseAll(gate);
            watch.Wake();
        }

        foreach (var job in left)
            Answer(job.Reply, noReply);
    }

    private bool Admit(IEpisode episode)
    {
        if (stopped)
            tally.Stopped++;
        else if (overdue.Count > 0 && overdue.ContainsKey(episode))
            tally.EpisodeBusy++;
        else if (waiting.Count >= options.MostWaiting)
            tally.QueueFull++;
        else if (AllHung())
            tally.NoThread++;
        else
            return true;
        return false;
    }

    private bool AllHung() => overdue.Count == workers.Count && workers.Count == options.MostWorkers + options.MostHung;

    private void CallWorker()
    {
        if (idle > 0)
            Monitor.Pulse(gate);
        else if (overdue.Count == workers.Count)
            AddWorker();
        watch.Wake();
    }

    private void AddWorker()
    {
        if (workers.Count - overdue.Count < options.MostWorkers && workers.Count < options.MostWorkers + options.MostHung)
            workers.Add(new Worker(this));
    }

    private void Answer(Action<StepResult>? reply, StepResult result)
    {
        try
        {
            reply?.Invoke(result);
        }
        catch (Exception error)
        {
            options.OnFailure?.Invoke(error);
        }
    }

    private static long Ticks(TimeSpan limit) => (long)Math.Min(limit.TotalSeconds * Stopwatch.Frequency, long.MaxValue / 4);

    // Without an action and a reply: disposes the episode.
    private readonly record struct Job(IEpisode Episode, string? Action, Action<StepResult>? Reply, long LimitTicks, long AskedAt);

    private struct Tally
    {
        public long Steps, Failed, TimedOut, QueueFull, NoThread, EpisodeBusy, Stopped, NotDisposed;
    }
}
