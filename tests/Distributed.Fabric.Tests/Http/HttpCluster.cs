using Akka.Actor;
using Distributed.Fabric.Http;
using Distributed.Fabric.Tests.Contract;
using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Http;

/// <summary>A hub and members in one test process, over real sockets, with short times.</summary>
internal sealed class HttpCluster : IFaultyCluster
{
    public static readonly HttpFabricOptions Options = new()
    {
        Heartbeat = TimeSpan.FromMilliseconds(50),
        DeadAfter = TimeSpan.FromMilliseconds(1500),
        RejoinGrace = TimeSpan.FromMilliseconds(200),
        HandshakeTimeout = TimeSpan.FromSeconds(3),
        RedialFirst = TimeSpan.FromMilliseconds(10),
        RedialLongest = TimeSpan.FromMilliseconds(100),
        QueueBytes = 32 * 1024 * 1024,
    };

    private readonly ActorSystem _system = ActorSystem.Create("contract", NodeConfiguration.Load());
    private readonly Dictionary<ContractNode, (HttpMember Member, FaultProxy Proxy)> _nodes = [];

    public HttpCluster(HttpFabricOptions? options = null, HttpSecurity? security = null, string listen = "http://127.0.0.1:0")
    {
        FabricOptions = options ?? Options;
        Security = security ?? new HttpSecurity(ClusterSecret.Random());
        Hub = new HttpHub(new NodeId("learner"), "run-1", Security, FabricOptions, Notices.Enqueue);
        Endpoint = HttpEndpoint.StartAsync(new Uri(listen), Security, Hub.Counters, TimeProvider.System, Hub.MapTo).GetAwaiter().GetResult();
        Learner = new ContractNode(_system, Hub);
    }

    public HttpFabricOptions FabricOptions { get; }

    public HttpSecurity Security { get; }

    public HttpHub Hub { get; }

    public HttpEndpoint Endpoint { get; }

    public ContractNode Learner { get; }

    public System.Collections.Concurrent.ConcurrentQueue<string> Notices { get; } = new();

    public ContractNode Join(string name) => Join(name, Security);

    public ContractNode Join(string name, HttpSecurity security)
    {
        var proxy = new FaultProxy(() => Endpoint.Address.Port);
        var member = new HttpMember(
            new MemberIdentity(new NodeId(name), Hub.Self, new UriBuilder(Endpoint.Address) { Port = proxy.Port }.Uri), security, FabricOptions, Notices.Enqueue);
        var node = new ContractNode(_system, member);
        _nodes.Add(node, (member, proxy));
        return node;
    }

    public HttpMember MemberOf(ContractNode node) => _nodes[node].Member;

    public Task LeaveAsync(ContractNode node) => _nodes[node].Member.LeaveAsync();

    public Task CrashAsync(ContractNode node) => _nodes[node].Member.DisposeAsync().AsTask();

    public void Cut(ContractNode node) => _nodes[node].Proxy.Set(LinkFault.Cut);

    public void Freeze(ContractNode node) => _nodes[node].Proxy.Set(LinkFault.Frozen);

    public void Slow(ContractNode node) => _nodes[node].Proxy.Set(LinkFault.Slow);

    public void Heal(ContractNode node) => _nodes[node].Proxy.Set(LinkFault.None);

    public void CorruptNext(ContractNode node) => _nodes[node].Proxy.CorruptNext();

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        foreach (var (member, proxy) in _nodes.Values)
        {
            await member.DisposeAsync();
            await proxy.DisposeAsync();
        }

        await Endpoint.DisposeAsync();
        await _system.Terminate();
        _system.Dispose();
    }
}
