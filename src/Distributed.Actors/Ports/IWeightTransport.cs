using Distributed.Protocol;

namespace Distributed.Actors.Ports;

/// <summary>The weights' way from the learner to the nodes: pulled in ranges, beside the messages.</summary>
public interface IWeightTransport
{
    /// <summary>Makes a version available. The newest two are kept; older ones are forgotten.</summary>
    void Offer(LearnerEpoch epoch, PolicyVersion version, ReadOnlyMemory<byte> bytes);

    /// <summary>Asks a node for a range of a version. The reply comes once, on any thread: the bytes, or why not.</summary>
    void Fetch(NodeId source, LearnerEpoch epoch, PolicyVersion version, long offset, int length, Action<FetchedRange> reply);
}

/// <summary>A range of a version's bytes; <paramref name="Error"/> says why there are none.</summary>
public readonly record struct FetchedRange(long Offset, ReadOnlyMemory<byte> Bytes, string? Error);
