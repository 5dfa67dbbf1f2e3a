using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>
/// One image on its way: which ranges are missing, asked for, or here and checked. A range is checked as it comes and never fetched again, also when the download goes on
/// from another source after a break. Pure: it neither fetches nor waits.
/// </summary>
public sealed class WeightDownload
{
    private enum Range : byte
    {
        Missing,
        Asked,
        Verified,
    }

    private readonly ImageRanges _cut;
    private readonly Range[] _ranges;
    private readonly byte[] _bytes;
    private int _next;
    private int _asked;
    private int _verified;

    /// <summary>A download from its beginning.</summary>
    /// <param name="policy">What, and where from.</param>
    /// <param name="asDelta">Whether to fetch what changed since the version <see cref="DeltaOffer.Since"/>.</param>
    public WeightDownload(PolicyPublished policy, bool asDelta)
    {
        Policy = policy;
        _cut = CutOf(policy, asDelta);
        Image = new WeightImage(policy.Epoch, policy.Version, asDelta ? policy.Delta!.Since : null);
        _bytes = GC.AllocateUninitializedArray<byte>(checked((int)_cut.TotalBytes)); // read only when every range has been written
        _ranges = new Range[((_cut.TotalBytes + _cut.RangeBytes) - 1) / _cut.RangeBytes];
    }

    /// <summary>What is wanted, and the source of the moment.</summary>
    public PolicyPublished Policy { get; private set; }

    /// <summary>The image that is fetched.</summary>
    public WeightImage Image { get; }

    /// <summary>The image's bytes; all of them once <see cref="IsComplete"/>.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Whether every range is here and checked.</summary>
    public bool IsComplete => _verified == _ranges.Length;

    /// <summary>Ranges that need not be fetched any more.</summary>
    public int VerifiedRanges => _verified;

    /// <summary>
    /// Whether to take a policy as a delta: it is offered as one, the node has just the version it leads from, and it is shorter than the whole.
    /// </summary>
    public static bool PrefersDelta(PolicyPublished policy, LearnerEpoch heldEpoch, PolicyVersion heldVersion) =>
        policy.Delta is { } delta && policy.Epoch == heldEpoch && delta.Since == heldVersion && delta.Ranges.TotalBytes < policy.Manifest.TotalBytes;

    /// <summary>Goes on with another source if it offers the very same image; what was asked of the former one and has not come is asked for again.</summary>
    public bool TryContinue(PolicyPublished policy, bool asDelta)
    {
        if (policy.Epoch != Image.Epoch || policy.Version != Image.Version || asDelta != Image.Since.HasValue || (asDelta && policy.Delta!.Since != Image.Since)) return false;
        var cut = CutOf(policy, asDelta);
        if (cut.TotalBytes != _cut.TotalBytes || cut.RangeBytes != _cut.RangeBytes || !cut.Crc32C.AsSpan().SequenceEqual(_cut.Crc32C)) return false;
        Policy = policy;
        for (var range = 0; range < _ranges.Length; range++)
            if (_ranges[range] == Range.Asked) _ranges[range] = Range.Missing;
        (_asked, _next) = (0, 0);
        return true;
    }

    /// <summary>The next range to ask for, if fewer than <paramref name="inFlight"/> are on their way.</summary>
    public (long Offset, int Length)? Ask(int inFlight)
    {
        if (_asked >= inFlight) return null;
        while (_next < _ranges.Length && _ranges[_next] != Range.Missing) _next++;
        if (_next == _ranges.Length) return null;
        _ranges[_next] = Range.Asked;
        _asked++;
        return (_next * (long)_cut.RangeBytes, LengthOf(_next));
    }

    /// <summary>Takes a range in. Returns what is wrong with it; null if nothing, also if it is here already.</summary>
    public string? Accept(long offset, ReadOnlySpan<byte> bytes)
    {
        var range = offset >= 0 && offset % _cut.RangeBytes == 0 && offset / _cut.RangeBytes < _ranges.Length ? (int)(offset / _cut.RangeBytes) : -1;
        if (range < 0 || bytes.Length != LengthOf(range)) return $"a range {offset}+{bytes.Length} that was not asked for";
        if (_ranges[range] == Range.Verified) return null;
        if (_cut.Crc32C.Length > 0 && Manifests.Crc32C(bytes) != _cut.Crc32C[range]) return $"range {offset}+{bytes.Length} has a wrong checksum";
        bytes.CopyTo(_bytes.AsSpan((int)offset));
        if (_ranges[range] == Range.Asked) _asked--;
        _ranges[range] = Range.Verified;
        _verified++;
        return null;
    }

    private int LengthOf(int range) => (int)Math.Min(_cut.RangeBytes, _cut.TotalBytes - (range * (long)_cut.RangeBytes));

    // A build that did not say how the image is cut is pulled in ranges of a megabyte and checked at the end only.
    private static ImageRanges CutOf(PolicyPublished policy, bool asDelta) =>
        asDelta ? policy.Delta!.Ranges : policy.Ranges ?? new ImageRanges(policy.Manifest.TotalBytes, 1 << 20, []);
}
