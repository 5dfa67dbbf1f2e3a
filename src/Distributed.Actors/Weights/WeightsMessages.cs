using Akka.Actor;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>The node's engine now has these weights.</summary>
public sealed record WeightsApplied(LearnerEpoch Epoch, PolicyVersion Version) : INoSerializationVerificationNeeded
{
    /// <summary>Of the weights themselves (<see cref="Manifests.Checksum"/>): learners of two epochs may have the same.</summary>
    public uint? Checksum { get; init; }
}

/// <summary>A role that has just started asks what weights the engine has.</summary>
public sealed record WeightsAsked : INoSerializationVerificationNeeded
{
    /// <summary>The only one there is.</summary>
    public static WeightsAsked Instance { get; } = new();
}

/// <summary>The learner has a new version for the publisher to spread. The bytes are never changed.</summary>
public sealed record PublishWeights(PolicyVersion Version, ReadOnlyMemory<byte> Bytes) : INoSerializationVerificationNeeded;
