using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>One thread's working memory for attention. Grows with the number of keys, not with its square.</summary>
internal sealed unsafe class AttentionScratch : IDisposable
{
    /// <summary>Queries handled at once; their scores stay in the near caches.</summary>
    public const int Block = 48;

    /// <summary>Queries whose products are computed at once, as high as the highest tile: they go no further than the last of them sees.</summary>
    public const int Strip = 12;
    private readonly int _headSize;
    private FloatBuffer? _memory;

    public AttentionScratch(int headSize)
    {
        _headSize = headSize;
        Visible = new IntBuffer();
    }

    /// <summary>Keys there is room for: the depth of the panels that have one row per key.</summary>
    public int KeyCapacity { get; private set; }

    /// <summary>Row stride of the score blocks; not a power of two, which would crowd the cache's sets.</summary>
    public int ScoreStride => KeyCapacity + 16;

    /// <summary>Keys as columns: [keys / 32][headSize][32].</summary>
    public float* KeyColumns { get; private set; }

    /// <summary>Values as rows: [headSize / 32][KeyCapacity][32].</summary>
    public float* ValueRows { get; private set; }

    /// <summary>Keys as rows, for the backward pass.</summary>
    public float* KeyRows { get; private set; }

    /// <summary>Values as columns, for the backward pass.</summary>
    public float* ValueColumns { get; private set; }

    /// <summary>[Block, ScoreStride].</summary>
    public float* Scores { get; private set; }

    /// <summary>[Block, ScoreStride].</summary>
    public float* ScoreGradients { get; private set; }

    /// <summary>One float per query of a block.</summary>
    public float* RowValues { get; private set; }

    /// <summary>Keys each query of a block sees.</summary>
    public IntBuffer Visible { get; }

    /// <summary>Floats that <paramref name="keys"/> keys take, a multiple of 32.</summary>
    public static long FloatsFor(int headSize, int keys) => (4 * Wide(headSize, keys)) + (2L * Block * (keys + 16)) + Block;

    public void Reserve(int keys)
    {
        if (keys <= KeyCapacity)
            return;
        KeyCapacity = Math.Max((keys + 31) / 32 * 32, KeyCapacity * 2);
        var wide = Wide(_headSize, KeyCapacity);
        var block = (long)Block * ScoreStride;
        _memory?.Dispose();
        _memory = new FloatBuffer(FloatsFor(_headSize, KeyCapacity));
        KeyColumns = _memory.Pointer;
        ValueRows = KeyColumns + wide;
        KeyRows = ValueRows + wide;
        ValueColumns = KeyRows + wide;
        Scores = ValueColumns + wide;
        ScoreGradients = Scores + block;
        RowValues = ScoreGradients + block;
    }

    public void Dispose() => _memory?.Dispose();

    private static long Wide(int headSize, int keys) => (long)keys * ((headSize + 31) / 32 * 32);
}
