using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Weights;

/// <summary>
/// One image on its way: which ranges are missing, asked for, or here and checked. A range is checked as it comes and never fetched again, also when the download goes on
/// from another source after a break. What is asked for is fetched straight into the image's bytes (<see cref="Target"/>): each of them has one that may write it, until
/// the reply comes. Pure: it neither fetches nor waits.
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

    // With what is checked of another one that may still be written to.
    private WeightDownload(WeightDownload other)
    {
        (Policy, Image, _cut, _verified) = (other.Policy, other.Image, other._cut, other._verified);
        _bytes = GC.AllocateUninitializedArray<byte>(other._bytes.Length);
        _ranges = new Range[other._ranges.Length];
        for (var range = 0; range < _ranges.Length; range++)
        {
            if (other._ranges[range] != Range.Verified) continue;
            _ranges[range] = Range.Verified;
            other._bytes.AsSpan(range * _cut.RangeBytes, LengthOf(range)).CopyTo(_bytes.AsSpan(range * _cut.RangeBytes));
        }
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

    /// <summary>
    /// The download to go on with from another source, if that offers the very same image; null if it does not. This one if nothing is on its way any more, otherwise one with
    /// bytes of its own: what was asked of the former source and has not come is asked for again, and may still be written here.
    /// </summary>
    public WeightDownload? Continue(PolicyPublished policy, bool asDelta)
    {
        if (policy.Epoch != Image.Epoch || policy.Version != Image.Version || asDelta != Image.Since.HasValue || (asDelta && policy.Delta!.Since != Image.Since)) return null;
        var cut = CutOf(policy, asDelta);
        if (cut.TotalBytes != _cut.TotalBytes || cut.RangeBytes != _cut.RangeBytes || !cut.Crc32C.AsSpan().SequenceEqual(_cut.Crc32C)) return null;
        var next = _asked == 0 ? this : new WeightDownload(this);
        next.Policy = policy;
        next._next = 0;
        return next;
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

    /// <summary>Where a range goes that <see cref="Ask"/> has named.</summary>
    public Memory<byte> Target(long offset, int length) => _bytes.AsMemory((int)offset, length);

    /// <summary>A range that was asked for does not come; it is missing again.</summary>
    public void Missed(long offset)
    {
        if (RangeAt(offset) is not (>= 0 and var range) || _ranges[range] != Range.Asked) return;
        _ranges[range] = Range.Missing;
        _asked--;
        _next = Math.Min(_next, range);
    }

    /// <summary>Whether a range is on its way.</summary>
    public bool IsAsked(long offset) => RangeAt(offset) is >= 0 and var range && _ranges[range] == Range.Asked;

    /// <summary>Takes a range in, which may lie in its <see cref="Target"/> already. Returns what is wrong with it, which leaves it missing; null if nothing, also if it is here already.</summary>
    public string? Accept(long offset, ReadOnlySpan<byte> bytes)
    {
        var range = RangeAt(offset);
        if (range < 0 || bytes.Length != LengthOf(range)) return $"a range {offset}+{bytes.Length} that was not asked for";
        if (_ranges[range] == Range.Verified) return null;
        if (_cut.Crc32C.Length > 0 && Manifests.Crc32C(bytes) != _cut.Crc32C[range])
        {
            Missed(offset);
            return $"range {offset}+{bytes.Length} has a wrong checksum";
        }

        var target = _bytes.AsSpan((int)offset, bytes.Length);
        if (bytes != target) bytes.CopyTo(target);
        if (_ranges[range] == Range.Asked) _asked--;
        _ranges[range] = Range.Verified;
        _verified++;
        return null;
    }

    private int RangeAt(long offset) => offset >= 0 && offset % _cut.RangeBytes == 0 && offset / _cut.RangeBytes < _ranges.Length ? (int)(offset / _cut.RangeBytes) : -1;

    private int LengthOf(int range) => (int)Math.Min(_cut.RangeBytes, _cut.TotalBytes - (range * (long)_cut.RangeBytes));

    // A build that did not say how the image is cut is pulled in ranges of a megabyte and checked at the end only.
    private static ImageRanges CutOf(PolicyPublished policy, bool asDelta) =>
        asDelta ? policy.Delta!.Ranges : policy.Ranges ?? new ImageRanges(policy.Manifest.TotalBytes, 1 << 20, []);
}
