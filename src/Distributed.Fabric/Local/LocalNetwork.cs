using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Local;

/// <summary>
/// Nodes of one process. Messages are handed over as objects or, with <c>serialize</c>, as the bytes they would be on a wire, so that
/// nothing can be shared by accident.
/// </summary>
public sealed class LocalNetwork(bool serialize = false)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<NodeId, IActorRef> _nodes = [];

    /// <summary>Messages to nodes that are not here; they are dropped, as any network would.</summary>
    public long Undelivered { get; private set; }

    /// <summary>A node's view of the network.</summary>
    public IFabric Join(NodeId self) => new View(this, self);

    /// <summary>Takes a node out: the others are told, and messages to it are dropped.</summary>
    public void Remove(NodeId node)
    {
        lock (_gate)
        {
            if (!_nodes.Remove(node)) return;
            foreach (var other in _nodes.Values) other.Tell(new NodeLeft(node));
        }
    }

    private void Attach(NodeId self, IActorRef actor)
    {
        lock (_gate)
        {
            _nodes[self] = actor;
            foreach (var (node, other) in _nodes)
            {
                if (node == self) continue;
                other.Tell(new NodeJoined(self));
                actor.Tell(new NodeJoined(node));
            }
        }
    }

    private void Tell(NodeId from, NodeId to, IWireMessage message)
    {
        var sent = serialize ? WireCodec.Decode(WireCodec.ManifestOf(message), WireCodec.Encode(message)) : message;
        IActorRef? actor;
        lock (_gate)
        {
            if (!_nodes.TryGetValue(to, out actor)) Undelivered++;
        }

        actor?.Tell(new WireEnvelope(from, sent));
    }

    private sealed class View(LocalNetwork network, NodeId self) : IFabric
    {
        public NodeId Self => self;

        public void Tell(NodeId to, IWireMessage message) => network.Tell(self, to, message);

        public void Attach(IActorRef node) => network.Attach(self, node);
    }
}
