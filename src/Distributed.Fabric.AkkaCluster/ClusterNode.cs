using System.Net.Sockets;
using Akka;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Distributed.Actors;
using Distributed.Actors.Ports;
using Distributed.Fabric.Local;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>Who a node of a cluster is and where it finds the others.</summary>
public sealed record ClusterNodeOptions
{
    /// <summary>The node's name; unique in the cluster.</summary>
    public required NodeId Name { get; init; }

    /// <summary>learner, rollout or scorer: which of cluster-config/roles applies.</summary>
    public required string Role { get; init; }

    /// <summary>local, compose or k8s: which of cluster-config/env applies.</summary>
    public string Environment { get; init; } = "local";

    /// <summary>Key that marks the cluster's messages; the same on every node.</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>Where to join, as <c>HOST:PORT</c>; the first one forms the cluster if it is this node itself. Empty: this node forms a cluster of its own.</summary>
    public required IReadOnlyList<string> Seeds { get; init; }

    /// <summary>Address other nodes reach this one at; null: what the environment's configuration says.</summary>
    public string? Host { get; init; }

    /// <summary>Port; null: what the environment's configuration says; 0: any free one.</summary>
    public int? Port { get; init; }

    /// <summary>Port others dial, where something stands before this node; null: the same.</summary>
    public int? PublicPort { get; init; }

    /// <summary>A line for people.</summary>
    public required Action<string> Notice { get; init; }

    /// <summary>How long a learner that hands over may take to finish its step and keep a checkpoint.</summary>
    public TimeSpan HandOverLimit { get; init; } = TimeSpan.FromSeconds(50);

    /// <summary>Time for the leases under way when a worker leaves.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Settings above all files, for tests.</summary>
    public Config Overrides { get; init; } = Config.Empty;
}

/// <summary>One process of a cluster: an actor system, its membership and the node it runs.</summary>
public sealed class ClusterNode : IAsyncDisposable
{
    /// <summary>Name of every node's actor system; part of their addresses.</summary>
    public const string SystemName = "distributed";

    /// <summary>Cluster role of processes that can be the learner.</summary>
    public const string LearnerRole = "learner";

    private readonly ClusterNodeOptions _options;
    private IActorRef _worker = ActorRefs.Nobody;

    private ClusterNode(ClusterNodeOptions options, ActorSystem system, ClusterFabric fabric)
    {
        _options = options;
        System = system;
        Fabric = fabric;
    }

    /// <summary>Name of the learner's node, wherever it runs.</summary>
    public static NodeId LearnerId => LocalCluster.LearnerId;

    /// <summary>The actor system.</summary>
    public ActorSystem System { get; }

    /// <summary>The way to other nodes. <see cref="IFabric.Self"/> of every process with the learner's role is <see cref="LearnerId"/>.</summary>
    public ClusterFabric Fabric { get; }

    /// <summary>Where this node is, as <c>HOST:PORT</c>: what others take as a seed.</summary>
    public string Address => Cluster.Get(System).SelfAddress is var self ? $"{self.Host}:{self.Port}" : "";

    /// <summary>The port of <see cref="Address"/>.</summary>
    public int Port => Cluster.Get(System).SelfAddress.Port!.Value;

    /// <summary>Which life of the process at <see cref="Address"/> this is; another one has another number.</summary>
    public int Instance => Cluster.Get(System).SelfUniqueAddress.Uid;

    /// <summary>Starts the actor system and joins. Does not wait until the node is a member.</summary>
    public static ClusterNode Start(ClusterNodeOptions options)
    {
        var system = ActorSystem.Create(SystemName, BootstrapSetup.Create().WithConfig(Configuration(options)).And(new WireKeySetup(options.Key)));
        system.ActorOf(Props.Create(() => new ActorLog(options.Notice)), "log");
        var fabric = new ClusterFabric(options.Role == LearnerRole ? LearnerId : options.Name, system);
        if (options.Seeds.Count == 0)
        {
            var cluster = Cluster.Get(system);
            cluster.Join(cluster.SelfAddress);
        }

        return new ClusterNode(options, system, fabric);
    }

    /// <summary>Runs a worker's roles here.</summary>
    public void RunWorker(NodeRoles roles)
    {
        var fabric = Fabric;
        _worker = System.ActorOf(Props.Create(() => new NodeActor(fabric, roles)), _options.Name.Value);
        var (worker, grace, shutdown) = (_worker, _options.Grace, CoordinatedShutdown.Get(System));
        // Before the node is no longer reachable: what it has taken is ended or handed back. One that was taken out reaches nobody any more.
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "drain leases", async () =>
        {
            if (shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason) return Done.Instance;
            var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            worker.Tell(new NodeActor.Drain(grace, () => drained.TrySetResult()), ActorRefs.NoSender);
            await drained.Task.ConfigureAwait(false);
            return Done.Instance;
        });
    }

    /// <summary>Calls back when it is this process's turn to be the learner; at most once.</summary>
    public void StandForLearner(Action<LearnerSeat> whenChosen)
    {
        var (fabric, limit) = (Fabric, _options.HandOverLimit);
        System.ActorOf(ClusterSingletonManager.Props(
            Props.Create(() => new LearnerHostActor(fabric, whenChosen, limit)),
            LearnerHostActor.HandOver.Instance,
            ClusterSingletonManagerSettings.Create(System)), LearnerRole);
    }

    /// <summary>Whether this node is a member that others see as up.</summary>
    public bool IsUp => Cluster.Get(System).SelfMember.Status == MemberStatus.Up;

    /// <summary>Leaves the cluster in order: leases drained, the learner's seat handed over, actors ended. Takes at most the sum of the phases' limits.</summary>
    public Task LeaveAsync() => CoordinatedShutdown.Get(System).Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance);

    /// <summary>Ends the actors at once, without a goodbye: for a cluster that is no more.</summary>
    public async Task AbandonAsync()
    {
        try
        {
            await System.Terminate().ConfigureAwait(false);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or AggregateException)
        {
            // Akka.Remote could not close a connection in order whose other end is gone. There is nothing more to say on it.
            _options.Notice($"a connection of the former membership did not close in order: {error.GetBaseException().Message}");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await LeaveAsync().ConfigureAwait(false);
        System.Dispose();
    }

    /// <summary>The effective configuration of a node.</summary>
    public static Config Configuration(ClusterNodeOptions options)
    {
        var roles = new[] { options.Role, ClusterFabricActor.NodeRole + options.Name.Value };
        var own = $"akka.cluster.roles = [{string.Join(", ", roles.Select(Quoted))}]\n"
            + $"akka.cluster.seed-nodes = [{string.Join(", ", options.Seeds.Select(seed => Quoted($"akka.tcp://{SystemName}@{seed}")))}]\n"
            + (options.Host == null ? "" : $"akka.remote.dot-netty.tcp.public-hostname = {Quoted(options.Host)}\n")
            + (options.Port == null ? "" : $"akka.remote.dot-netty.tcp.port = {options.Port}\n")
            + (options.PublicPort == null ? "" : $"akka.remote.dot-netty.tcp.public-port = {options.PublicPort}\n");
        return options.Overrides.WithFallback(ConfigurationFactory.ParseString(own)).WithFallback(NodeConfiguration.Load(options.Role, options.Environment))
            .WithFallback(ClusterSingleton.DefaultConfig());
    }

    private static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
