using Distributed.Actors.Ports;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>What a receiver needs.</summary>
public sealed record WeightReceiverSettings
{
    /// <summary>The way to other nodes.</summary>
    public required IFabric Fabric { get; init; }

    /// <summary>The learner's node.</summary>
    public required NodeId Learner { get; init; }

    /// <summary>Where the weights go.</summary>
    public required IPolicyEngine Engine { get; init; }

    /// <summary>Where they come from.</summary>
    public required IWeightTransport Transport { get; init; }

    /// <summary>A line for people.</summary>
    public required Action<string> Notice { get; init; }

    /// <summary>Sees messages first.</summary>
    public IMessageTap Tap { get; init; } = IMessageTap.None;

    /// <summary>Ranges asked for at once.</summary>
    public int RangesInFlight { get; init; } = 4;

    /// <summary>A download that gets nothing for so long, or a load that takes longer, is given up and tried again.</summary>
    public TimeSpan DownloadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often the receiver asks whether there is a newer version, in case a notice was lost.</summary>
    public TimeSpan AskAgain { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What the engine has; outlives the actor.</summary>
    public AppliedWeights Applied { get; } = new();

    /// <summary>Size of a version of this engine's model, bytes; anything else is refused before memory is taken.</summary>
    public long ExpectedBytes => Engine.Tensors.Sum(tensor => tensor.ElementCount) * sizeof(float);
}
