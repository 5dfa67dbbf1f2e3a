using System.Diagnostics.CodeAnalysis;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Weights;

/// <summary>The images a node lets others pull: all of its newest two versions. Safe to use from any thread.</summary>
public sealed class OfferedWeights
{
    private const int VersionsKept = 2;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<(LearnerEpoch Epoch, PolicyVersion Version), Dictionary<WeightImage, ReadOnlyMemory<byte>>> _versions = [];

    /// <summary>Keeps an image, unless two newer versions are kept already; forgets the oldest version if there are three then.</summary>
    public void Add(WeightImage image, ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            var key = (image.Epoch, image.Version);
            if (!_versions.TryGetValue(key, out var images)) _versions.Add(key, images = []);
            images.TryAdd(image, bytes);
            if (_versions.Count > VersionsKept) _versions.Remove(_versions.First().Key);
        }
    }

    /// <summary>The bytes of a range.</summary>
    /// <param name="image">Of what.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Number of bytes.</param>
    /// <param name="bytes">The range.</param>
    /// <param name="error">Why there is none.</param>
    public bool TryRead(WeightImage image, long offset, int length, out ReadOnlyMemory<byte> bytes, [NotNullWhen(false)] out string? error)
    {
        bytes = default;
        if (Find(image) is not { } whole) error = $"{image} is not kept (any more)";
        else if (offset < 0 || length < 0 || offset + length > whole.Length) error = $"range {offset}+{length} lies outside {whole.Length} bytes";
        else (bytes, error) = (whole.Slice((int)offset, length), null);
        return error == null;
    }

    /// <summary>All bytes of an image, or null.</summary>
    public ReadOnlyMemory<byte>? Find(WeightImage image)
    {
        lock (_gate)
            return _versions.TryGetValue((image.Epoch, image.Version), out var images) && images.TryGetValue(image, out var bytes) ? bytes : default(ReadOnlyMemory<byte>?);
    }
}
