namespace Distributed.Engine.Kernels;

/// <summary>
/// The right-hand matrix B [K, N] of a product, stored in panels of 32 columns: [ceil(N/32)][K][32], missing columns zero.
/// Filled from row-major matrices or from torch Linear weights [out, in] (B = W^T), in one piece or several side by side.
/// A frozen one is kept as bfloat16 instead (<see cref="Half"/>).
/// </summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    public const int PanelWidth = 32;
    private readonly FloatBuffer? _panels;

    /// <summary>An all-zero matrix to be packed into.</summary>
    /// <param name="k">Rows.</param>
    /// <param name="n">Columns.</param>
    /// <param name="half">Keep it as bfloat16.</param>
    public PackedMatrix(int k, int n, bool half = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        K = k;
        N = n;
        if (half)
            Half = new HalfPanels(k, n);
        else
            _panels = new FloatBuffer(PanelFloats(k, n));
    }

    /// <summary>Rows, the depth of the product.</summary>
    public int K { get; }

    /// <summary>Columns, without padding.</summary>
    public int N { get; }

    /// <summary>The panels; null if it is kept as bfloat16.</summary>
    public float* Panels => _panels is null ? null : _panels.Pointer;

    /// <summary>The same as bfloat16, or null.</summary>
    public HalfPanels? Half { get; }

    /// <summary>What is added to every product with this matrix.</summary>
    public LowRankTerm? Term { get; set; }

    /// <summary>Bytes that the panels take.</summary>
    public long PanelBytes => PanelFloats(K, N) * (Half is null ? sizeof(float) : sizeof(ushort));

    /// <summary>Floats that [k, n] takes in panels.</summary>
    public static long PanelFloats(int k, int n) => (long)((n + PanelWidth - 1) / PanelWidth) * PanelWidth * k;

    /// <summary>B from a row-major [k, n].</summary>
    public static PackedMatrix FromRowMajor(float* source, int k, int n)
    {
        var packed = new PackedMatrix(k, n);
        packed.RepackRowMajor(source, n);
        return packed;
    }

    /// <summary>B = W^T from a torch Linear weight W, row-major [n, k].</summary>
    public static PackedMatrix FromLinear(float* weight, int n, int k)
    {
        var packed = new PackedMatrix(k, n);
        packed.RepackLinear(weight);
        return packed;
    }

    /// <summary>
    /// A matrix for gradients to come back through, [N, K]. A frozen one holds the transpose for good; the others are to be packed with the same
    /// weights.
    /// </summary>
    public PackedMatrix ForGradients()
    {
        var transposed = new PackedMatrix(N, K, Half is not null);
        if (Half is not null)
            transposed.Half!.PackTransposed(Half);
        return transposed;
    }

    /// <summary>Overwrites all of B from a row-major [K, N].</summary>
    public void RepackRowMajor(float* source, int lds) => PackRows(source, lds, 0, K);

    /// <summary>Overwrites rows [firstRow, firstRow + rows) of B from a row-major [rows, N].</summary>
    public void PackRows(float* source, int lds, int firstRow, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstRow + rows, K);
        PanelPacking.PackRows(source, lds, rows, N, Panels + ((long)firstRow * PanelWidth), K);
    }

    /// <summary>Overwrites all of B from a torch Linear weight [N, K].</summary>
    public void RepackLinear(float* weight) => PackLinear(weight, 0, N);

    /// <summary>Overwrites columns [firstColumn, firstColumn + columns) of B from a torch Linear weight [columns, K].</summary>
    public void PackLinear(float* weight, int firstColumn, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstColumn + columns, N);
        PanelPacking.PackColumns(weight, K, K, columns, Panels, K, firstColumn);
    }

    public void Dispose()
    {
        _panels?.Dispose();
        Half?.Dispose();
        Term?.Dispose();
    }
}
