using System.Net;
using System.Net.Sockets;
using Akka.Configuration;
using Distributed.Fabric.Http;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster.Tests;

/// <summary>Cluster nodes of one test: real actor systems that speak over loopback, with short times.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly Config Hasty = ConfigurationFactory.ParseString("""
        akka.cluster {
          gossip-interval = 100ms
          leader-actions-interval = 100ms
          periodic-tasks-initial-delay = 50ms
          unreachable-nodes-reaper-interval = 200ms
          retry-unsuccessful-join-after = 500ms
          seed-node-timeout = 500ms
          failure-detector { heartbeat-interval = 200ms, acceptable-heartbeat-pause = 2s, expected-response-after = 200ms }
          learner-side-downing { stable-after = 1s, at-latest = 4s }
          singleton { hand-over-retry-interval = 200ms }
        }
        akka.remote.retry-gate-closed-for = 200ms
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        akka.coordinated-shutdown.exit-clr = off
        """);

    // Nodes are killed side by side, and links are asked for by other threads: each collection is its own lock.
    private readonly List<ClusterNode> _nodes = [];
    private readonly Dictionary<ClusterNode, FaultProxy> _links = [];
    private readonly List<string> _notices = [];

    public IReadOnlyList<string> Notices { get { lock (_notices) return [.. _notices]; } }

    /// <summary>Adds a node; the first one forms the cluster.</summary>
    public ClusterNode Add(string name, string role, string secret = "the secret of all tests", string overrides = "", bool proxied = false)
    {
        var port = proxied ? FreePort() : 0;
        var link = proxied ? new FaultProxy(() => port) { Dialler = Dialler } : null;
        var node = ClusterNode.Start(new ClusterNodeOptions
        {
            Name = new NodeId(name),
            Role = role,
            Key = System.Text.Encoding.UTF8.GetBytes(secret),
            Port = proxied ? port : null,
            PublicPort = link?.Port,
            Seeds = [.. Nodes().Take(1).Select(first => first.Address)],
            Notice = Note,
            HandOverLimit = TimeSpan.FromSeconds(10),
            Grace = TimeSpan.FromSeconds(2),
            Overrides = overrides.Length == 0 ? Hasty : ConfigurationFactory.ParseString(overrides).WithFallback(Hasty),
        });
        lock (_nodes) _nodes.Add(node);
        if (link != null) lock (_links) _links.Add(node, link);
        return node;
    }

    /// <summary>The link of a node that was added with a proxy before it.</summary>
    public FaultProxy LinkOf(ClusterNode node)
    {
        lock (_links) return _links[node];
    }

    public void Note(string line)
    {
        // A starved machine says so many times a second.
        if (line.Contains("sending of heartbeat was delayed", StringComparison.Ordinal)) return;
        lock (_notices) _notices.Add(line);
    }

    /// <summary>Ends a node's process as a power cut would: no goodbye.</summary>
    public async Task Kill(ClusterNode node)
    {
        await ((Akka.Remote.RemoteActorRefProvider)((Akka.Actor.ExtendedActorSystem)node.System).Provider).Transport.Shutdown().WaitAsync(Limit);
        lock (_nodes) _nodes.Remove(node);
        await node.System.Terminate().WaitAsync(Limit);
    }

    /// <summary>Ends a node in order.</summary>
    public async Task Leave(ClusterNode node)
    {
        await node.LeaveAsync().WaitAsync(Limit);
        lock (_nodes) _nodes.Remove(node);
    }

    /// <summary>Waits for something to come true.</summary>
    public async Task Until(Func<bool> holds, string what)
    {
        var until = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            TimeProvider.System.GetElapsedTime(until).ShouldBeLessThan(Limit, $"{what}; notices:\n{string.Join('\n', Notices)}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Workers first, so that nobody waits for a side that is gone.
        foreach (var node in Enumerable.Reverse(Nodes())) await node.System.Terminate().WaitAsync(Limit);
        foreach (var link in _links.Values) await link.DisposeAsync();
    }

    private ClusterNode[] Nodes()
    {
        lock (_nodes) return [.. _nodes];
    }

    private FaultProxy? Dialler(ReadOnlyMemory<byte> first)
    {
        lock (_links) return AssociateFrame.PortOf(first.Span, "127.0.0.1") is { } port ? _links.Values.FirstOrDefault(link => link.Port == port) : null;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
