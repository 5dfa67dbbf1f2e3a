using MessagePack;

namespace Distributed.Protocol;

/// <summary>One tensor inside a version's flat buffer of little-endian float32.</summary>
[MessagePackObject]
public sealed record TensorEntry(
    [property: Key(0)] string Name,
    [property: Key(1)] string Dtype,
    [property: Key(2)] int[] Shape,
    [property: Key(3)] long Offset,
    [property: Key(4)] long Length,
    [property: Key(5)] uint Crc32C);

/// <summary>What a version's bytes must be; the bytes themselves are pulled, never sent as a message.</summary>
[MessagePackObject]
public sealed record WeightManifest(
    [property: Key(0)] long TotalBytes,
    [property: Key(1)] TensorEntry[] Tensors);

/// <summary>How an image of a version is cut for the way: ranges of <paramref name="RangeBytes"/> (the last may be shorter) and the CRC-32C of each.</summary>
/// <param name="TotalBytes">Length of the image.</param>
/// <param name="RangeBytes">Length of a range.</param>
/// <param name="Crc32C">Checksum of every range, in order.</param>
[MessagePackObject]
public sealed record ImageRanges(
    [property: Key(0)] long TotalBytes,
    [property: Key(1)] int RangeBytes,
    [property: Key(2)] uint[] Crc32C);

/// <summary>A version as what changed since an earlier one of the same epoch.</summary>
[MessagePackObject]
public sealed record DeltaOffer(
    [property: Key(0)] PolicyVersion Since,
    [property: Key(1)] ImageRanges Ranges);

/// <summary>
/// Learner to a node: there is a new policy, and <paramref name="Source"/> is where to pull it from. Repeated to nodes that do not report it as applied.
/// </summary>
/// <param name="Epoch">The learner's life.</param>
/// <param name="Version">The version.</param>
/// <param name="Source">The learner's node, or a peer that has the version.</param>
/// <param name="Manifest">What the bytes must be in the end.</param>
/// <param name="Address">Where <paramref name="Source"/> can be pulled from; null where the transport knows.</param>
/// <param name="Ranges">How the whole image is cut; null from a build that did not say.</param>
/// <param name="Delta">The same version as a delta; null: only whole.</param>
[MessagePackObject]
public sealed record PolicyPublished(
    [property: Key(0)] LearnerEpoch Epoch,
    [property: Key(1)] PolicyVersion Version,
    [property: Key(2)] NodeId Source,
    [property: Key(3)] WeightManifest Manifest,
    [property: Key(4)] string? Address = null,
    [property: Key(5)] ImageRanges? Ranges = null,
    [property: Key(6)] DeltaOffer? Delta = null) : IEpochMessage;

/// <summary>
/// Node to learner: this is the newest policy I have; tell me of a newer one. Sent when a node starts, when it has applied a version, when a download
/// failed, and at intervals.
/// </summary>
/// <param name="Node">The node.</param>
/// <param name="Epoch">Epoch of what it has; -1: nothing.</param>
/// <param name="Version">Version it has; -1: none.</param>
/// <param name="Address">Where others can pull that version from this node; null: nowhere.</param>
/// <param name="Failed">A source this node could not pull from just now.</param>
[MessagePackObject]
public sealed record PolicyWanted(
    [property: Key(0)] NodeId Node,
    [property: Key(1)] LearnerEpoch Epoch,
    [property: Key(2)] PolicyVersion Version,
    [property: Key(3)] string? Address = null,
    [property: Key(4)] NodeId? Failed = null) : IWireMessage;
