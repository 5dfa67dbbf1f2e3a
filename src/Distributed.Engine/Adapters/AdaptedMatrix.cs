using Distributed.Engine.Kernels;

namespace Distributed.Engine.Adapters;

/// <summary>
/// What adapters add to one of a layer's matrices. Adapters whose outcomes lie side by side (keys and values, gates and ups) are one term: their
/// A below each other, their B as blocks on a diagonal, so that the input is read once for both.
/// </summary>
internal sealed unsafe class AdaptedMatrix
{
    private readonly AdapterWeights _weights;
    private readonly PackedMatrix _target;
    private LowRankTerm? _backward;

    /// <param name="weights">The adapter; not owned.</param>
    /// <param name="parts">The adapters on the matrix, at least one.</param>
    /// <param name="target">The frozen matrix; owns the term from now on.</param>
    public AdaptedMatrix(AdapterWeights weights, IReadOnlyList<AdapterMatrix> parts, PackedMatrix target)
    {
        (_weights, _target, Parts) = (weights, target, parts);
        Rank = parts.Sum(part => part.Rank);
        target.Term = new LowRankTerm(new PackedMatrix(target.K, Rank), new PackedMatrix(Rank, target.N));
    }

    /// <summary>The adapters, in the order of their outcomes.</summary>
    public IReadOnlyList<AdapterMatrix> Parts { get; }

    /// <summary>Sum of the ranks.</summary>
    public int Rank { get; }

    /// <summary>[in, rank]: the input to what the A give, side by side.</summary>
    public PackedMatrix Down => _target.Term!.Down;

    /// <summary>[out, rank]: the outcome's gradient to that of what the A give, scales included. Null until <see cref="PrepareBackward"/>.</summary>
    public PackedMatrix? DownBackward => _backward?.Down;

    /// <summary>Makes the term that gradients come back through.</summary>
    public void PrepareBackward(PackedMatrix targetBackward)
    {
        _backward ??= new LowRankTerm(new PackedMatrix(targetBackward.K, Rank), new PackedMatrix(Rank, targetBackward.N));
        targetBackward.Term = _backward;
        Repack();
    }

    /// <summary>Takes changed parameters in.</summary>
    public void Repack()
    {
        // Row-major: Down^T [rank, in] and scale B as blocks, [out, rank].
        using var downs = new FloatBuffer((long)Rank * _target.K);
        using var ups = new FloatBuffer((long)_target.N * Rank);
        var first = 0;
        foreach (var part in Parts)
        {
            new ReadOnlySpan<float>(_weights.Pointer + part.A, part.Rank * part.Inputs).CopyTo(new Span<float>(downs.Pointer + ((long)first * part.Inputs), part.Rank * part.Inputs));
            for (var row = 0; row < part.Outputs; row++)
                for (var r = 0; r < part.Rank; r++)
                    ups.Pointer[((long)(part.Column + row) * Rank) + first + r] = part.Scale * _weights.Pointer[part.B + ((long)row * part.Rank) + r];
            first += part.Rank;
        }

        _target.Term!.Down.RepackLinear(downs.Pointer);
        _target.Term.Up.RepackLinear(ups.Pointer);
        _backward?.Down.RepackRowMajor(ups.Pointer, Rank);
        _backward?.Up.RepackRowMajor(downs.Pointer, _target.K);
    }
}
