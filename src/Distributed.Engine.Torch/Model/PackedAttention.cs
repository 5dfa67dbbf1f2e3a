using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>Attention inside the units of a packed pass. Units are padded to the longest for it alone; the rest of the pass has no padding.</summary>
internal sealed class PackedAttention : ITorchAttention, IDisposable
{
    private readonly int _units;
    private readonly int _longest;
    private readonly Tensor? _padded;
    private readonly Tensor? _kept;
    private readonly Tensor? _hidden;

    /// <param name="pass">The pass; not kept.</param>
    /// <param name="device">Where.</param>
    public PackedAttention(PackedPass pass, Device device)
    {
        (_units, _longest) = (pass.Units.Count, pass.Longest);
        using var scope = NewDisposeScope();
        if (pass.Rows != _units * _longest)
        {
            // Padding repeats the unit's first row: it is seen by nobody and sees something, so nothing becomes infinite.
            var (padded, kept) = (new long[_units * _longest], new long[pass.Rows]);
            for (var unit = 0; unit < _units; unit++)
            {
                var (start, rows) = (pass.Units[unit].Start, pass.Units[unit].Rows);
                for (var i = 0; i < _longest; i++)
                    padded[(unit * _longest) + i] = start + (i < rows ? i : 0);
                for (var i = 0; i < rows; i++)
                    kept[start + i] = (unit * _longest) + i;
            }

            _padded = tensor(padded, device: device).DetachFromDisposeScope();
            _kept = tensor(kept, device: device).DetachFromDisposeScope();
        }

        if (pass.Units.All(unit => unit.Branches.Count == 0))
        {
            if (!AttentionMath.HasFused)
                _hidden = ones([1, 1, 1, _longest, _longest], ScalarType.Bool, device).triu(1).DetachFromDisposeScope();
            return;
        }

        _hidden = tensor(Mask(pass), [_units, 1, 1, _longest, _longest], device: device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Attend(int layer, Tensor q, Tensor k, Tensor v)
    {
        var (queries, keys, values) = (Pad(q), Pad(k), Pad(v));
        var mixed = _hidden is null ? AttentionMath.FusedCausal(queries, keys, values) : AttentionMath.Masked(queries, keys, values, _hidden);
        return _kept is null ? mixed : mixed.index_select(0, _kept);
    }

    public void Dispose()
    {
        _padded?.Dispose();
        _kept?.Dispose();
        _hidden?.Dispose();
    }

    private Tensor Pad(Tensor rows)
    {
        var padded = _padded is null ? rows : rows.index_select(0, _padded);
        return padded.view(_units, _longest, rows.shape[1], rows.shape[2]);
    }

    // True where a row must not see another: [units, longest, longest].
    private bool[] Mask(PackedPass pass)
    {
        var hidden = new bool[(long)_units * _longest * _longest];
        for (var index = 0; index < _units; index++)
        {
            var unit = pass.Units[index];
            var square = hidden.AsSpan(index * _longest * _longest, _longest * _longest);
            square.Fill(true);
            for (var row = 0; row < _longest; row++)
                square.Slice(row * _longest, row < unit.Trunk ? row + 1 : 1).Clear();
            foreach (var branch in unit.Branches)
            {
                for (var i = 0; i < branch.Length; i++)
                {
                    var seen = square.Slice((branch.Start + i) * _longest, _longest);
                    seen[..branch.Position].Clear();
                    seen.Slice(branch.Start, i + 1).Clear();
                }
            }
        }

        return hidden;
    }
}
