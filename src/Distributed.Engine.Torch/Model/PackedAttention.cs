using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>Attention inside the units of a packed pass. Units are padded to the longest for it alone; the rest of the pass has no padding.</summary>
internal sealed class PackedAttention : ITorchAttention, IDisposable
{
    private readonly int _units;
    private readonly int _longest;
    private readonly Tensor? _padded;
    private readonly Tensor? _kept;
    private readonly Tensor? _visible;

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

        if (pass.Units.Any(unit => unit.Branches.Count > 0))
            _visible = Visible(pass, device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Attend(int layer, Tensor q, Tensor k, Tensor v)
    {
        var mixed = AttentionMath.Attend(Pad(q), Pad(k), Pad(v), _visible);
        return _kept is null ? mixed : mixed.index_select(0, _kept);
    }

    public void Dispose()
    {
        _padded?.Dispose();
        _kept?.Dispose();
        _visible?.Dispose();
    }

    private Tensor Pad(Tensor rows)
    {
        var padded = _padded is null ? rows : rows.index_select(0, _padded);
        return padded.view(_units, _longest, rows.shape[1], rows.shape[2]);
    }

    // True where a row sees another, [units, 1, longest, longest]: those of the trunk before its branch's position, and those of its own branch up to itself.
    private Tensor Visible(PackedPass pass, Device device)
    {
        // A row of the trunk is like one of a branch that begins with the trunk.
        var (begins, sees) = (new long[_units * _longest], new long[_units * _longest]);
        for (var index = 0; index < _units; index++)
        {
            foreach (var branch in pass.Units[index].Branches)
            {
                begins.AsSpan((index * _longest) + branch.Start, branch.Length).Fill(branch.Start);
                sees.AsSpan((index * _longest) + branch.Start, branch.Length).Fill(branch.Position);
            }
        }

        var column = arange(_longest, dtype: ScalarType.Int64, device: device);
        var (begin, seen) = (tensor(begins, [_units, 1, _longest, 1], device: device), tensor(sees, [_units, 1, _longest, 1], device: device));
        return column.lt(seen).logical_or_(column.ge(begin).logical_and_(column.le(column.unsqueeze(1))));
    }
}
