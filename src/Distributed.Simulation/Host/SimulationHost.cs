using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;

namespace Distributed.Simulation.Host;

/// <summary>
/// One thread, one virtual clock, one order of events for an actor system: ready actors go first, in an order drawn from the seed; when none has anything to do, time
/// jumps to the next timer. Timers of one instant go in the order in which they were set.
/// </summary>
/// <remarks>A call from another thread would make the run unrepeatable, so it fails the run with its stack (<see cref="ForeignThreadException"/>).</remarks>
public sealed class SimulationHost : ITimeline, IDisposable
{
    private const int FewestTimersSwept = 4096;
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, SimulationHost> Hosts = [];
    private static readonly Config Settings = ConfigurationFactory.ParseString(Hocon()).WithFallback(ConfigurationFactory.Default());
    private static long _keys;

    private readonly string _key;
    private readonly Thread _thread = Thread.CurrentThread;
    private readonly IActivationOrder _order;
    private readonly PriorityQueue<(IRunnable Run, Lane Lane), ulong> _ready = new();
    private readonly PriorityQueue<VirtualTimer, (long At, long Sequence)> _timers = new();
    private readonly Dictionary<string, List<(IRunnable Run, Lane Lane)>> _held = [];
    private readonly List<ActorSystem> _systems = [];
    private (string Root, PriorityQueue<(IRunnable Run, Lane Lane), (int Depth, ulong Priority)> Ready)? _dying;
    private long _sequence;
    private int _sweepAt = FewestTimersSwept;
    private volatile string? _foreign;
    private volatile bool _closing;

    /// <summary>A simulation of the thread it is made on.</summary>
    public SimulationHost(ulong seed, IActivationOrder? order = null)
    {
        Streams = new RandomStreams(seed);
        _order = order ?? new UniformOrder(seed);
        Time = new VirtualTime(this);
        lock (Gate)
        {
            _key = $"simulation-{++_keys}";
            Hosts.Add(_key, this);
        }
    }

    /// <summary>Random numbers by purpose.</summary>
    public RandomStreams Streams { get; }

    /// <summary>The clock.</summary>
    public VirtualTime Time { get; }

    /// <summary>Virtual time since the beginning, ticks of 100 ns.</summary>
    public long NowTicks { get; private set; }

    /// <summary>Virtual time since the beginning.</summary>
    public TimeSpan Now => TimeSpan.FromTicks(NowTicks);

    /// <summary>Activations so far: messages that actors handled.</summary>
    public long Steps { get; private set; }

    /// <summary>Timers that fired so far.</summary>
    public long TimersFired { get; private set; }

    internal static SimulationHost Of(Config config)
    {
        lock (Gate) return Hosts[config.GetString("simulation.host")];
    }

    /// <summary>An actor system that runs in this simulation.</summary>
    public ActorSystem CreateSystem(string name)
    {
        var key = ConfigurationFactory.ParseString($"simulation.host = \"{_key}\"");
        var system = ActorSystem.Create(name, key.WithFallback(Settings));
        _systems.Add(system);
        return system;
    }

    /// <summary>Does something after a virtual time.</summary>
    public VirtualTimer After(TimeSpan delay, Action action, Func<bool>? cancelled = null, TimeSpan? every = null)
    {
        var timer = new VirtualTimer(action, cancelled, every);
        if (!IsOnThread()) return timer;
        if (_timers.Count >= _sweepAt) SweepTimers();
        _timers.Enqueue(timer, (NowTicks + Math.Max(0, delay.Ticks), _sequence++));
        return timer;
    }

    void ITimeline.After(TimeSpan delay, Action action) => After(delay, action);

    /// <summary>Everything below an actor right under /user stands still until <see cref="Resume"/>, as a paused process does: its messages wait, nothing of it runs.</summary>
    public void Pause(string root) => _held.TryAdd(root, []);

    /// <summary>Ends a <see cref="Pause"/>.</summary>
    public void Resume(string root)
    {
        if (!_held.Remove(root, out var held)) return;
        foreach (var (run, lane) in held) Enqueue(run, lane);
    }

    /// <summary>
    /// Ends everything below an actor right under /user at once, as a killed process ends: whoever had messages waiting handles none of them. Not to be called by an actor.
    /// </summary>
    /// <param name="root">The actor's name.</param>
    /// <param name="stop">Stops the actor.</param>
    public void Kill(string root, Action stop)
    {
        Resume(root);
        var rest = _ready.UnorderedItems.ToArray();
        _ready.Clear();
        _dying = (root, new PriorityQueue<(IRunnable, Lane), (int, ulong)>());
        foreach (var ((run, lane), priority) in rest)
        {
            if (lane.Root == root) _dying.Value.Ready.Enqueue((run, lane), (lane.Depth, priority));
            else _ready.Enqueue((run, lane), priority);
        }

        stop();
        // Parents first: a child runs only when the parent's order to stop, which goes before all messages, has reached it.
        while (_dying.Value.Ready.TryDequeue(out var next, out _))
        {
            Steps++;
            next.Run.Run();
        }

        _dying = null;
    }

    /// <summary>Runs until <paramref name="until"/> holds or virtual time has come to <paramref name="limit"/>; true if it holds.</summary>
    /// <exception cref="ForeignThreadException">Another thread called into the simulation.</exception>
    public bool RunUntil(Func<bool> until, TimeSpan limit)
    {
        while (!until())
        {
            if (_foreign is { } stack) throw new ForeignThreadException(stack);
            if (!Step(limit.Ticks)) return until();
        }

        return true;
    }

    /// <summary>Ends the actor systems; nothing of them is counted or traced any more.</summary>
    public void Dispose()
    {
        foreach (var root in _held.Keys.ToArray()) Resume(root);
        _timers.Clear();
        foreach (var system in _systems)
        {
            var ended = system.Terminate();
            // Only virtual time may pass here: the last callbacks of a termination run on the thread pool.
            (_closing, _foreign) = (true, null);
            RunUntil(static () => false, Now + TimeSpan.FromSeconds(30));
            ended.Wait(TimeSpan.FromSeconds(10));
        }

        lock (Gate) Hosts.Remove(_key);
    }

    internal void Enqueue(IRunnable run, Lane lane)
    {
        var priority = _order.Priority(lane.Actor, lane.Activations++, Steps);
        if (_dying is { } dying && dying.Root == lane.Root) dying.Ready.Enqueue((run, lane), (lane.Depth, priority));
        else _ready.Enqueue((run, lane), priority);
    }

    internal bool IsOnThread()
    {
        if (Thread.CurrentThread == _thread) return true;
        if (_closing) return false;
        var frames = new StackTrace(2).GetFrames().Take(12).Select(frame => $"{frame.GetMethod()?.DeclaringType?.FullName}.{frame.GetMethod()?.Name}");
        _foreign ??= string.Join("\n  ", frames);
        return false;
    }

    // Time-outs are long and hardly one comes to its end: the cancelled ones would be nearly all there is.
    private void SweepTimers()
    {
        var live = _timers.UnorderedItems.Where(entry => !entry.Element.IsCancelled).ToArray();
        _timers.Clear();
        _timers.EnqueueRange(live);
        _sweepAt = Math.Max(FewestTimersSwept, 2 * live.Length);
    }

    private bool Step(long untilTicks)
    {
        if (_ready.TryDequeue(out var next, out _))
        {
            if (_held.Count > 0 && _held.TryGetValue(next.Lane.Root, out var held))
            {
                held.Add(next);
                return true;
            }

            Steps++;
            next.Run.Run();
            return true;
        }

        if (!_timers.TryPeek(out var timer, out var key) || key.At > untilTicks)
        {
            NowTicks = Math.Max(NowTicks, untilTicks);
            return false;
        }

        _timers.Dequeue();
        if (timer.IsCancelled) return true;
        NowTicks = Math.Max(NowTicks, key.At);
        TimersFired++;
        if (timer.Every is { } every) _timers.Enqueue(timer, (NowTicks + Math.Max(1, every.Ticks), _sequence++));
        timer.Action();
        return true;
    }

    private static string Hocon()
    {
        static string Name<T>() => $"\"{typeof(T).FullName}, {typeof(T).Assembly.GetName().Name}\"";
        var dispatcher = Name<SimulatedDispatcherConfigurator>();
        return $$"""
            akka {
              loglevel = ERROR
              stdout-loglevel = OFF
              loggers = [{{Name<CapturingLogger>()}}]
              stdout-logger-class = {{Name<CapturingLogger>()}}
              log-dead-letters = off
              log-dead-letters-during-shutdown = off
              scheduler.implementation = {{Name<SimulatedScheduler>()}}
              coordinated-shutdown { run-by-clr-shutdown-hook = off, run-by-actor-system-terminate = off, terminate-actor-system = off }
              actor {
                default-dispatcher.type = {{dispatcher}}
                internal-dispatcher.type = {{dispatcher}}
                default-blocking-io-dispatcher.type = {{dispatcher}}
              }
              io.pinned-dispatcher.type = {{dispatcher}}
            }
            """;
    }
}

/// <summary>Another thread called into a simulation; the message has its stack.</summary>
public sealed class ForeignThreadException(string stack) : Exception($"a thread of its own called into the simulation:\n  {stack}");
