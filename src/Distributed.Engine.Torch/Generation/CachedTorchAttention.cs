using Distributed.Engine.Generation;
using Distributed.Engine.Torch.Model;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Generation;

/// <summary>
/// Attention of a batch's rows to what their sequences have cached, themselves included. Sequences that go on by one token, and those that are fed
/// several, are padded apart from each other. Its tensors belong to the scope it is used in.
/// </summary>
internal sealed class CachedTorchAttention : ITorchAttention
{
    private readonly DevicePages _pages;
    private readonly Upload _upload;
    private readonly Upload.Part _slotPart;
    private readonly List<Padded> _parts = [];
    private Tensor? _slots;

    /// <param name="pages">The cache.</param>
    /// <param name="segments">The rows.</param>
    /// <param name="upload">Takes what must go to the device; <see cref="Prepare"/> is called when it has.</param>
    public CachedTorchAttention(DevicePages pages, ReadOnlySpan<DeviceBatch.Segment> segments, Upload upload)
    {
        (_pages, _upload) = (pages, upload);
        var (singles, others) = (new List<(DeviceBatch.Segment, int)>(), new List<(DeviceBatch.Segment, int)>());
        var slots = new List<long>();
        foreach (var segment in segments)
        {
            (segment.Count == 1 ? singles : others).Add((segment, slots.Count));
            for (var i = 0; i < segment.Count; i++)
                slots.Add(DevicePages.Slot(segment.Sequence.Pages, segment.Start + i));
        }

        _slotPart = upload.Add(slots);
        if (singles.Count > 0)
            _parts.Add(new Padded(singles, upload));
        if (others.Count > 0)
            _parts.Add(new Padded(others, upload));
    }

    /// <summary>Works out what every layer needs, on the device.</summary>
    public void Prepare()
    {
        _slots = _upload[_slotPart];
        foreach (var part in _parts)
            part.Prepare(_upload);
    }

    /// <inheritdoc/>
    public Tensor Attend(int layer, Tensor q, Tensor k, Tensor v)
    {
        var rows = q.shape[0];
        var (keys, values) = (_pages.Keys(layer), _pages.Values(layer));
        keys.index_copy_(0, _slots!, k.reshape(rows, -1));
        values.index_copy_(0, _slots!, v.reshape(rows, -1));
        if (_parts.Count == 1)
            return _parts[0].Mix(q, k.shape, keys, values);
        var mixed = empty([rows, q.shape[1] * q.shape[2]], q.dtype, q.device);
        foreach (var part in _parts)
            mixed.index_copy_(0, part.KeptRows, part.Mix(q, k.shape, keys, values));
        return mixed;
    }

    /// <summary>Sequences padded together: queries to the one with most, by repeating its last; keys likewise.</summary>
    private sealed class Padded
    {
        private readonly int _sequences;
        private readonly int _queries;
        private readonly int _keys;
        private readonly bool _isPadded;
        private readonly bool _isWhole;
        private readonly Upload.Part _queryRowPart, _positionPart, _lastPart, _pagePart, _keptRowPart, _keptPart;
        private Tensor? _queryRows, _keySlots, _visible, _kept;

        public Padded(List<(DeviceBatch.Segment Segment, int Row)> members, Upload upload)
        {
            _sequences = members.Count;
            _queries = members.Max(member => member.Segment.Count);
            _keys = members.Max(member => member.Segment.End);
            var pages = KeyValueLayout.Pages(_keys);
            var (queryRows, positions, last, table) = (new long[_sequences * _queries], new long[_sequences * _queries], new long[_sequences], new long[_sequences * pages]);
            var (keptRows, kept) = (new List<long>(), new List<long>());
            for (var s = 0; s < _sequences; s++)
            {
                var (segment, row) = members[s];
                for (var i = 0; i < _queries; i++)
                {
                    var (place, at) = (Math.Min(i, segment.Count - 1), (s * _queries) + i);
                    (queryRows[at], positions[at]) = (row + place, segment.Start + place);
                    if (i != place)
                        continue;
                    keptRows.Add(row + i);
                    kept.Add(at);
                }

                last[s] = segment.End - 1;
                var own = segment.Sequence.Pages;
                for (var page = 0; page < KeyValueLayout.Pages(segment.End); page++)
                    table[(s * pages) + page] = own[page];
            }

            _isPadded = kept.Count < _sequences * _queries;
            // Rows in their own order need no gathering.
            _isWhole = !_isPadded && queryRows.Select((row, index) => row == index).All(same => same);
            (_queryRowPart, _positionPart, _lastPart) = (upload.Add(queryRows), upload.Add(positions), upload.Add(last));
            (_pagePart, _keptRowPart, _keptPart) = (upload.Add(table), upload.Add(keptRows), upload.Add(kept));
        }

        /// <summary>Row of each query that is no padding.</summary>
        public Tensor KeptRows { get; private set; } = null!;

        public void Prepare(Upload upload)
        {
            const int page = KeyValueLayout.PagePositions;
            var device = upload[_lastPart].device;
            var positions = arange(_keys, dtype: ScalarType.Int64, device: device);
            var slots = ((upload[_pagePart] * page).unsqueeze(1) + arange(page, dtype: ScalarType.Int64, device: device)).view(_sequences, -1);
            _keySlots = slots.gather(1, positions.minimum(upload[_lastPart].unsqueeze(1))).view(-1);
            _visible = positions.le(upload[_positionPart].view(_sequences, 1, _queries, 1));
            _queryRows = upload[_queryRowPart];
            KeptRows = upload[_keptRowPart];
            _kept = _isPadded ? upload[_keptPart] : null;
        }

        public Tensor Mix(Tensor q, long[] shape, Tensor keys, Tensor values)
        {
            var queries = (_isWhole && q.shape[0] == _queryRows!.shape[0] ? q : q.index_select(0, _queryRows!)).view(_sequences, _queries, q.shape[1], q.shape[2]);
            var seen = keys.index_select(0, _keySlots!).view(_sequences, _keys, shape[1], shape[2]);
            var carried = values.index_select(0, _keySlots!).view(_sequences, _keys, shape[1], shape[2]);
            var mixed = AttentionMath.Attend(queries, seen, carried, _visible);
            return _kept is null ? mixed : mixed.index_select(0, _kept);
        }
    }
}
