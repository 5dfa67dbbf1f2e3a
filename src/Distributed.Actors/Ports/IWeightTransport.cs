using Distributed.Protocol;

namespace Distributed.Actors.Ports;

/// <summary>The weights' way between nodes: pulled in ranges, beside the messages. Every node has one; any node may serve what it has.</summary>
public interface IWeightTransport
{
    /// <summary>Where other nodes pull from this one, as <see cref="PolicyWanted.Address"/> tells them; null: they cannot, or (the learner's) they know.</summary>
    string? Address { get; }

    /// <summary>
    /// Lets other nodes pull an image from this one. The newest two versions are kept; older ones are forgotten. An image offered again changes nothing.
    /// The bytes are never changed.
    /// </summary>
    void Offer(WeightImage image, ReadOnlyMemory<byte> bytes);

    /// <summary>Asks a source for a range of an image. The reply comes once, within a bounded time, on any thread: the bytes, or why not.</summary>
    void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply);

    /// <summary>
    /// The same, into the caller's memory, which is written until the reply comes and never after. A transport that cannot write there replies with memory of its own.
    /// </summary>
    void Fetch(WeightSource source, WeightImage image, long offset, Memory<byte> into, Action<FetchedRange> reply) => Fetch(source, image, offset, into.Length, reply);
}

/// <summary>A policy version as it can be pulled: whole, or as what changed <paramref name="Since"/> an earlier version of the same epoch.</summary>
public readonly record struct WeightImage(LearnerEpoch Epoch, PolicyVersion Version, PolicyVersion? Since = null)
{
    /// <inheritdoc/>
    public override string ToString() => Since is { } since
        ? $"what changed from version {since.Value} to {Version.Value} of epoch {Epoch.Value}"
        : $"version {Version.Value} of epoch {Epoch.Value}";
}

/// <summary>Whom to pull from.</summary>
/// <param name="Node">The node.</param>
/// <param name="Address">Its <see cref="IWeightTransport.Address"/>; null where the transport knows the way.</param>
public readonly record struct WeightSource(NodeId Node, string? Address = null);

/// <summary>A range of an image's bytes; <paramref name="Error"/> says why there are none.</summary>
public readonly record struct FetchedRange(long Offset, ReadOnlyMemory<byte> Bytes, string? Error);
