using System.Collections.Concurrent;
using Distributed.Fabric.Http;
using Distributed.Node.Cluster;

namespace Distributed.Node.Chaos;

/// <summary>
/// The proxies of a chaos run: before the learner's port one for each worker (set-up, weights, and with fabric http the messages), and with fabric akka one before each
/// node's cluster port. A worker's link is all that goes through its own two and what it dials itself.
/// </summary>
internal sealed class ChaosLinks : IDisposable
{
    private readonly ConcurrentDictionary<string, FaultProxy> _toLearner = new();
    private readonly ConcurrentDictionary<string, FaultProxy> _toNode = new();

    /// <summary>Bytes that were changed.</summary>
    public int Corrupted => _toLearner.Values.Sum(proxy => proxy.Corrupted);

    /// <summary>The port a worker dials to reach the learner's.</summary>
    public int ToLearner(string node, int port) => _toLearner.GetOrAdd(node, _ => new FaultProxy(() => port)).Port;

    /// <summary>The port others dial to reach a node's cluster port.</summary>
    public int ToNode(string node, int port) => _toNode.GetOrAdd(node, _ => new FaultProxy(() => port)
    {
        Dialler = first => AkkaFabric.DiallerPort(first) is { } from ? _toNode.Values.FirstOrDefault(proxy => proxy.Port == from) : null,
    }).Port;

    /// <summary>Sets what happens to a worker's link.</summary>
    public void Set(string node, LinkFault fault)
    {
        _toLearner[node].Set(fault);
        if (_toNode.TryGetValue(node, out var cluster)) cluster.Set(fault);
    }

    /// <summary>
    /// Changes a byte of what the learner's port sends to a worker next. Akka.Remote's frames are left alone: it has no checksum of its own, and what a changed
    /// byte does to its membership is its own affair; the messages of the roles are marked and tested apart (WireSerializer).
    /// </summary>
    public void CorruptNext(string node) => _toLearner[node].CorruptNext();

    /// <summary>Ends all faults of links.</summary>
    public void HealAll()
    {
        foreach (var proxy in _toLearner.Values.Concat(_toNode.Values)) proxy.Set(LinkFault.None);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var proxy in _toLearner.Values.Concat(_toNode.Values)) proxy.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
