using Distributed.Engine.Torch.Model;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Generation;

/// <summary>
/// Attention of a batch's rows to what their sequences have cached, themselves included. Sequences that go on by one token, and those that are fed
/// several, are padded apart from each other. Its tensors belong to the scope it is made in.
/// </summary>
internal sealed class CachedTorchAttention : ITorchAttention
{
    private readonly DevicePages _pages;
    private readonly Tensor _slots;
    private readonly List<Part> _parts = [];

    /// <param name="pages">The cache.</param>
    /// <param name="segments">The rows.</param>
    /// <param name="slots">Where each row's key and value go, [rows].</param>
    /// <param name="device">Where.</param>
    public CachedTorchAttention(DevicePages pages, ReadOnlySpan<DeviceBatch.Segment> segments, Tensor slots, Device device)
    {
        (_pages, _slots) = (pages, slots);
        var (singles, others) = (new List<(DeviceBatch.Segment, int)>(), new List<(DeviceBatch.Segment, int)>());
        var row = 0;
        foreach (var segment in segments)
        {
            (segment.Count == 1 ? singles : others).Add((segment, row));
            row += segment.Count;
        }

        if (singles.Count > 0)
            _parts.Add(Part.Of(singles, device));
        if (others.Count > 0)
            _parts.Add(Part.Of(others, device));
    }

    /// <inheritdoc/>
    public Tensor Attend(int layer, Tensor q, Tensor k, Tensor v)
    {
        var rows = q.shape[0];
        var (keys, values) = (_pages.Keys(layer), _pages.Values(layer));
        keys.index_copy_(0, _slots, k.reshape(rows, -1));
        values.index_copy_(0, _slots, v.reshape(rows, -1));
        if (_parts.Count == 1 && _parts[0].KeptRows.shape[0] == rows)
            return Mix(_parts[0], q, k.shape, keys, values);
        var mixed = empty([rows, q.shape[1] * q.shape[2]], q.dtype, q.device);
        foreach (var part in _parts)
            mixed.index_copy_(0, part.KeptRows, Mix(part, q, k.shape, keys, values));
        return mixed;
    }

    private static Tensor Mix(Part part, Tensor q, long[] shape, Tensor keys, Tensor values)
    {
        var queries = q.index_select(0, part.QueryRows).view(part.Sequences, part.Queries, q.shape[1], q.shape[2]);
        var seen = keys.index_select(0, part.KeySlots).view(part.Sequences, part.Keys, shape[1], shape[2]);
        var carried = values.index_select(0, part.KeySlots).view(part.Sequences, part.Keys, shape[1], shape[2]);
        var mixed = AttentionMath.Masked(queries, seen, carried, part.Hidden);
        return part.Kept is null ? mixed : mixed.index_select(0, part.Kept);
    }

    /// <summary>Sequences padded together.</summary>
    /// <param name="Sequences">How many.</param>
    /// <param name="Queries">Rows of the one with most.</param>
    /// <param name="Keys">Cached positions of the one with most.</param>
    /// <param name="QueryRows">Row of each query, [Sequences * Queries].</param>
    /// <param name="KeySlots">Slot of each key, [Sequences * Keys].</param>
    /// <param name="Hidden">True where a query must not see a key.</param>
    /// <param name="KeptRows">Row of each query that is no padding.</param>
    /// <param name="Kept">Those queries' places, or null if none is padding.</param>
    private sealed record Part(int Sequences, int Queries, int Keys, Tensor QueryRows, Tensor KeySlots, Tensor Hidden, Tensor KeptRows, Tensor? Kept)
    {
        public static Part Of(List<(DeviceBatch.Segment Segment, int Row)> members, Device device)
        {
            var queries = members.Max(member => member.Segment.Count);
            var keys = members.Max(member => member.Segment.Start + member.Segment.Count);
            var (queryRows, positions, keySlots) = (new long[members.Count * queries], new long[members.Count * queries], new long[members.Count * keys]);
            var (keptRows, kept) = (new List<long>(), new List<long>());
            for (var s = 0; s < members.Count; s++)
            {
                var (segment, row) = members[s];
                for (var i = 0; i < queries; i++)
                {
                    // Padding repeats the last query.
                    var place = Math.Min(i, segment.Count - 1);
                    queryRows[(s * queries) + i] = row + place;
                    positions[(s * queries) + i] = segment.Start + place;
                    if (i != place)
                        continue;
                    keptRows.Add(row + i);
                    kept.Add((s * queries) + i);
                }

                var pages = segment.Sequence.Pages;
                var length = segment.Start + segment.Count;
                for (var position = 0; position < keys; position++)
                    keySlots[(s * keys) + position] = DevicePages.Slot(pages, Math.Min(position, length - 1));
            }

            var at = tensor(positions, [members.Count, 1, 1, queries, 1], device: device);
            return new Part(
                members.Count, queries, keys, tensor(queryRows, device: device), tensor(keySlots, device: device),
                arange(keys, device: device).gt(at), tensor(keptRows.ToArray(), device: device),
                kept.Count == members.Count * queries ? null : tensor(kept.ToArray(), device: device));
        }
    }
}
