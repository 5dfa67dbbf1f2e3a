using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>A version that is here and checked.</summary>
public sealed record HeldWeights(PolicyPublished Policy, ReadOnlyMemory<byte> Bytes);

/// <summary>Which weights a node has, beside the engine and not inside the actor that loads them. Used by one actor at a time.</summary>
public sealed class AppliedWeights
{
    private long _attempts;

    /// <summary>What the engine loaded last; null before the first.</summary>
    public PolicyPublished? Newest { get; set; }

    /// <summary>The newest version whose bytes are here, loaded or about to be. Null before the first, and where nobody will need the bytes again.</summary>
    public HeldWeights? Held { get; set; }

    /// <summary>A download that was broken off, to go on from.</summary>
    public WeightDownload? Partial { get; set; }

    /// <summary>A version whose delta did not lead to the right bytes, and is taken whole.</summary>
    public PolicyPublished? DeltaRefused { get; set; }

    /// <summary>A number for a download or load that no other of this node has.</summary>
    public long NextAttempt() => ++_attempts;
}
