using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;

namespace Distributed.Simulation.Host;

/// <summary>Gives every dispatcher of a simulated actor system to the simulation.</summary>
public sealed class SimulatedDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly SimulatedDispatcher _dispatcher;

    /// <summary>Made by Akka from its configuration.</summary>
    public SimulatedDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : base(config, prerequisites) =>
        _dispatcher = new SimulatedDispatcher(this, SimulationHost.Of(prerequisites.Settings.Config), config.GetString("id"));

    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher() => _dispatcher;
}

/// <summary>
/// A dispatcher whose mailboxes run on the simulation's one thread, one message at a time, in an order the simulation draws. Everything that makes a mailbox
/// ready passes through the overridden methods with the actor's cell, from which its path is known.
/// </summary>
internal sealed class SimulatedDispatcher : MessageDispatcher
{
    private readonly SimulationHost _host;
    private readonly Dictionary<IRunnable, Lane> _lanes = [];
    private readonly Dictionary<ActorCell, IRunnable> _mailboxes = [];
    private ActorCell? _cell;

    public SimulatedDispatcher(MessageDispatcherConfigurator configurator, SimulationHost host, string id) : base(configurator)
    {
        _host = host;
        Id = id;
        Throughput = 1;
        ShutdownTimeout = TimeSpan.FromSeconds(1);
    }

    public override void Dispatch(ActorCell cell, Envelope envelope)
    {
        if (!_host.IsOnThread()) return;
        _cell = cell;
        base.Dispatch(cell, envelope);
    }

    public override void SystemDispatch(ActorCell cell, SystemMessage message)
    {
        if (!_host.IsOnThread()) return;
        _cell = cell;
        base.SystemDispatch(cell, message);
    }

    public override void Attach(ActorCell cell)
    {
        if (!_host.IsOnThread()) return;
        _cell = cell;
        base.Attach(cell);
    }

    public override void Detach(ActorCell cell)
    {
        if (_mailboxes.Remove(cell, out var mailbox)) _lanes.Remove(mailbox);
        base.Detach(cell);
    }

    protected override void ExecuteTask(IRunnable run)
    {
        if (!_host.IsOnThread()) return;
        if (!_lanes.TryGetValue(run, out var lane))
        {
            lane = _cell == null || run is not Mailbox ? Lane.Of("") : Lane.Of(_cell.Self.Path.ToStringWithoutAddress());
            if (_cell != null && run is Mailbox && _mailboxes.TryAdd(_cell, run)) _lanes.Add(run, lane);
        }

        _host.Enqueue(run, lane);
    }

    protected override void Shutdown() { }
}

/// <summary>An actor as the simulation sees it.</summary>
internal sealed class Lane(ulong actor, string root, int depth)
{
    /// <summary>Hash of its path.</summary>
    public ulong Actor => actor;

    /// <summary>Name of the actor right below /user that it belongs to.</summary>
    public string Root => root;

    /// <summary>How far below the root of all actors it is.</summary>
    public int Depth => depth;

    /// <summary>Activations so far.</summary>
    public long Activations { get; set; }

    public static Lane Of(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return new Lane(Protocol.Seeds.Derive(0, path), parts.Length > 1 && parts[0] == "user" ? parts[1] : "", parts.Length);
    }
}
