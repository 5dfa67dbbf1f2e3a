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

    /// <summary>Bytes of one range.</summary>
    public int RangeBytes { get; init; } = 1024 * 1024;

    /// <summary>Ranges asked for at once.</summary>
    public int RangesInFlight { get; init; } = 4;

    /// <summary>A download that takes longer is begun anew.</summary>
    public TimeSpan DownloadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often the receiver asks whether there is a newer version, in case a notice was lost.</summary>
    public TimeSpan AskAgain { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What the engine has; outlives the actor.</summary>
    public AppliedWeights Applied { get; } = new();

    /// <summary>Size of a version of this engine's model, bytes; anything else is refused before memory is taken.</summary>
    public long ExpectedBytes => Engine.Tensors.Sum(tensor => tensor.ElementCount) * sizeof(float);
}

/// <summary>Which weights an engine has, beside the engine and not inside the actor that loads them. Used by one actor at a time.</summary>
public sealed class AppliedWeights
{
    private long _attempts;

    /// <summary>What was loaded last; null before the first.</summary>
    public PolicyPublished? Newest { get; set; }

    /// <summary>A number for a download that no other download of this engine has.</summary>
    public long NextAttempt() => ++_attempts;
}
