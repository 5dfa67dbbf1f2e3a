using System.Numerics;

namespace Distributed.Engine.Kernels;

/// <summary>
/// A right-hand matrix B [K, N] kept as bfloat16, the upper halves of floats, in panels of 32 columns: [ceil(N/32)][K][32], missing
/// columns zero. Within a row of a panel the words of columns i and i + W share 32 bits (W floats being one vector), so that a shift and a
/// mask unpack one vector of words into two of floats. The order depends on the processor, so panels never leave the process.
/// </summary>
internal sealed unsafe class HalfPanels : IDisposable
{
    private const int Width = PackedMatrix.PanelWidth;

    // Rows packed together: 8 KiB of a panel, which stay in the nearest cache while its 32 columns are filled in.
    private const int DepthBlock = 128;
    private readonly int[] _slots;
    private readonly FloatBuffer _words;

    public HalfPanels(int k, int n)
        : this(k, n, Simd.Path)
    {
    }

    internal HalfPanels(int k, int n, SimdPath path)
    {
        (K, N, Path) = (k, n, path);
        _slots = [.. Enumerable.Range(0, Width).Select(Slot)];
        _words = new FloatBuffer((PackedMatrix.PanelFloats(k, n) + 1) / 2);
    }

    /// <summary>Rows, the depth of the product.</summary>
    public int K { get; }

    /// <summary>Columns, without padding.</summary>
    public int N { get; }

    /// <summary>The vector instructions the order of the words is for.</summary>
    public SimdPath Path { get; }

    public ushort* Pointer => (ushort*)_words.Pointer;

    // Floats of the vectors the panels are unpacked into.
    private int Lanes => Path switch
    {
        SimdPath.Avx512 => 16,
        SimdPath.Avx2 => 8,
        _ => Vector<float>.Count,
    };

    /// <summary>Overwrites columns [firstColumn, firstColumn + columns) from bfloat16 rows of a torch Linear weight, [columns, K].</summary>
    public void PackLinear(ushort* weight, int firstColumn, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstColumn + columns, N);
        for (var first = 0; first < K; first += DepthBlock)
        {
            var depth = Math.Min(DepthBlock, K - first);
            for (var column = 0; column < columns; column++)
            {
                var to = At(first, firstColumn + column);
                var from = weight + ((nint)column * K) + first;
                for (var row = 0; row < depth; row++, to += Width)
                    *to = from[row];
            }
        }
    }

    /// <summary>Overwrites everything by the transpose of [N, K] panels.</summary>
    public void PackTransposed(HalfPanels other)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.K, N);
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.N, K);
        for (var column = 0; column < N; column++)
        {
            var to = At(0, column);
            for (var first = 0; first < K; first += Width)
            {
                // The other's row of a panel holds the words of this column's next rows.
                var from = other.At(column, first);
                for (var row = 0; row < Math.Min(Width, K - first); row++, to += Width)
                    *to = from[_slots[row]];
            }
        }
    }

    /// <summary>Copies a column of K floats out: the row of the torch Linear weight it was packed from.</summary>
    public void ReadColumn(int column, float* to)
    {
        var from = At(0, column);
        for (var row = 0; row < K; row++, from += Width)
            to[row] = BitConverter.UInt32BitsToSingle((uint)*from << 16);
    }

    public void Dispose() => _words.Dispose();

    private ushort* At(int row, int column) => Pointer + ((((nint)(column / Width) * K) + row) * Width) + _slots[column % Width];

    private int Slot(int column)
    {
        var pair = 2 * Lanes;
        var (group, within) = (column / pair * pair, column % pair);
        return group + (within < Lanes ? 2 * within : (2 * (within - Lanes)) + 1);
    }
}
