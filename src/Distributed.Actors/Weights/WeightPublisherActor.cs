// WeightPublisher: spreads the newest policy of one learner life.
// Owns: the newest manifest. Promises: every node that is here, joins later or asks hears of the newest version; versions only go up.
// May lose: notices (at most once); receivers ask again. Older versions are forgotten by the transport after two.
// Restarted by: nobody alone; LearnerNodeActor begins a new life.
using Akka.Actor;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>Offers versions to the transport and tells the nodes.</summary>
public sealed class WeightPublisherActor : UntypedActor
{
    private readonly LearnerLife _life;
    private readonly SortedSet<NodeId> _nodes;
    private PolicyPublished? _newest;

    /// <summary>A publisher for one life, with the nodes that are here already.</summary>
    public WeightPublisherActor(LearnerLife life, IEnumerable<NodeId> nodes)
    {
        _life = life;
        _nodes = [.. nodes];
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _life.Settings.Tap.Before("weight-publisher", message);
        switch (message)
        {
            case PublishWeights publish: Publish(publish); break;
            case NodeJoined joined:
                _nodes.Add(joined.Node);
                if (_newest != null) _life.Fabric.Tell(joined.Node, _newest);
                break;
            case NodeLeft left: _nodes.Remove(left.Node); break;
            case NodeUnreachable: break; // it asks when it is back
            case WireEnvelope { Message: PolicyWanted wanted }:
                _nodes.Add(wanted.Node); // whoever asks is here, even if nobody said that it joined
                if (_newest != null && (wanted.Epoch != _newest.Epoch || wanted.Version.Value < _newest.Version.Value)) _life.Fabric.Tell(wanted.Node, _newest);
                break;
            default: Unhandled(message); break;
        }
    }

    private void Publish(PublishWeights publish)
    {
        if (_newest != null && publish.Version.Value <= _newest.Version.Value)
            throw new InvalidOperationException($"version {publish.Version.Value} published after {_newest.Version.Value}");
        var image = new WeightImage(_life.Epoch, publish.Version);
        _life.Settings.Transport.Offer(image, publish.Bytes);
        _newest = new PolicyPublished(_life.Epoch, publish.Version, _life.Fabric.Self, Manifests.Create(_life.Settings.Engine.Tensors, publish.Bytes.Span), _life.Settings.Transport.Address);
        foreach (var node in _nodes) _life.Fabric.Tell(node, _newest);
    }
}
