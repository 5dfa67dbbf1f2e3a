// WeightPublisher: spreads the newest policy of one learner life.
// Owns: the newest manifest, and who pulls from whom (WeightSpread).
// Promises: every node that is here, joins later or asks hears of the newest version as soon as there is a source for it; versions only go up.
// May lose: notices (at most once); receivers ask again. Older versions are forgotten by the transport after two.
// Restarted by: nobody alone; LearnerNodeActor begins a new life.
using Akka.Actor;
using Distributed.Actors.Learning;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>Offers versions to the transport and sends the nodes to their sources.</summary>
public sealed class WeightPublisherActor : UntypedActor
{
    private readonly LearnerLife _life;
    private readonly WeightSpread _spread;
    private PolicyPublished? _newest;
    private ReadOnlyMemory<byte> _bytes;

    /// <summary>A publisher for one life, with the nodes that are here already.</summary>
    public WeightPublisherActor(LearnerLife life, IEnumerable<NodeId> nodes)
    {
        _life = life;
        _spread = new WeightSpread(life.Settings.Spread, life.Epoch, life.Fabric.Self);
        foreach (var node in nodes) _spread.Expect(node);
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        _life.Settings.Tap.Before("weight-publisher", message);
        switch (message)
        {
            case PublishWeights publish: Publish(publish); break;
            case NodeJoined: break; // it asks when its receiver is there
            case NodeLeft left: Send(_spread.Lost(left.Node, Now)); break;
            case NodeUnreachable unreachable: Send(_spread.Lost(unreachable.Node, Now)); break; // it asks when it is back
            case WireEnvelope { Message: PolicyWanted wanted }: Send(_spread.Heard(wanted, Now)); break;
            default: Unhandled(message); break;
        }
    }

    private TimeSpan Now => _life.Settings.Time.GetElapsedTime(0);

    private void Publish(PublishWeights publish)
    {
        if (_newest != null && publish.Version.Value <= _newest.Version.Value)
            throw new InvalidOperationException($"version {publish.Version.Value} published after {_newest.Version.Value}");
        var (transport, options) = (_life.Settings.Transport, _life.Settings.Spread);
        transport.Offer(new WeightImage(_life.Epoch, publish.Version), publish.Bytes);
        DeltaOffer? delta = null;
        if (options.Deltas && _newest != null)
        {
            var bytes = WeightDelta.Encode(_bytes.Span, publish.Bytes.Span);
            delta = new DeltaOffer(_newest.Version, Manifests.Cut(bytes, options.RangeBytes));
            transport.Offer(new WeightImage(_life.Epoch, publish.Version, delta.Since), bytes);
        }

        _newest = new PolicyPublished(_life.Epoch, publish.Version, _life.Fabric.Self, Manifests.Create(_life.Settings.Engine.Tensors, publish.Bytes.Span),
            transport.Address, Manifests.Cut(publish.Bytes.Span, options.RangeBytes), delta);
        _bytes = publish.Bytes;
        Send(_spread.Publish(publish.Version, delta?.Since, Now));
    }

    private void Send(IReadOnlyList<PullAssignment> assignments)
    {
        foreach (var pull in assignments)
        {
            var notice = pull.AsDelta ? _newest! : _newest! with { Delta = null };
            _life.Fabric.Tell(pull.Node, pull.Source == _life.Fabric.Self ? notice : notice with { Source = pull.Source, Address = pull.Address });
        }
    }
}
