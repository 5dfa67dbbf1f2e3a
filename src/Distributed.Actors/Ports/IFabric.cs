using Akka.Actor;
using Distributed.Protocol;

namespace Distributed.Actors.Ports;

/// <summary>How nodes find and reach each other. The roles know no more of the network than this.</summary>
public interface IFabric
{
    /// <summary>This node.</summary>
    NodeId Self { get; }

    /// <summary>
    /// Tells a node something, at most once: it may be lost, late or out of order towards other messages, never changed. Never blocks.
    /// It arrives there as an <see cref="WireEnvelope"/>.
    /// </summary>
    void Tell(NodeId to, IWireMessage message);

    /// <summary>Every envelope for this node and every membership change goes to this actor from now on; nodes present already are reported at once.</summary>
    void Attach(IActorRef node);
}

/// <summary>A message that came from a node.</summary>
public sealed record WireEnvelope(NodeId From, IWireMessage Message);

/// <summary>
/// Follows the messages a fabric has delivered: when <paramref name="Reached"/> is called, everything delivered before has been handled. Whoever
/// knows no further way calls it.
/// </summary>
public sealed record FlowMark(Action Reached) : INoSerializationVerificationNeeded;

/// <summary>A node is here.</summary>
public sealed record NodeJoined(NodeId Node);

/// <summary>A node does not answer; it may come back.</summary>
public sealed record NodeUnreachable(NodeId Node);

/// <summary>A node is gone for good (under this name and incarnation).</summary>
public sealed record NodeLeft(NodeId Node);
