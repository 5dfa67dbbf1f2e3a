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

/// <summary>Learner to every node: there is a new policy. Repeated to nodes that do not report it as applied.</summary>
[MessagePackObject]
public sealed record PolicyPublished(
    [property: Key(0)] LearnerEpoch Epoch,
    [property: Key(1)] PolicyVersion Version,
    [property: Key(2)] NodeId Source,
    [property: Key(3)] WeightManifest Manifest) : IEpochMessage;

/// <summary>Node to learner: I have no (or an older) policy; tell me the newest.</summary>
[MessagePackObject]
public sealed record PolicyWanted(
    [property: Key(0)] NodeId Node,
    [property: Key(1)] LearnerEpoch Epoch,
    [property: Key(2)] PolicyVersion Version) : IWireMessage;
