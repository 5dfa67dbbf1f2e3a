using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Distributed.Protocol;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>
/// Stands where Akka has its JSON serializer for types nobody bound. That one writes and reads type names, so that a peer could have any type made;
/// nothing in this system needs it, and both directions are refused.
/// </summary>
public sealed class RefusingSerializer : Serializer
{
    /// <summary>The serializer of an actor system; Akka hands it the settings of the one it stands for, which mean nothing here.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings) : base(system) { }

    /// <summary>Identifier of Akka's JSON serializer.</summary>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => throw new WireFormatException($"{obj.GetType().Name} has no serializer and may not leave this node");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) => throw new WireFormatException("a message in JSON is refused");
}
