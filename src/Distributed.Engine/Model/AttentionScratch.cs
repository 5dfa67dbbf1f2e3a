using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>One thread's working memory for attention. Grows with the number of keys, not with its square.</summary>
internal sealed unsafe class AttentionScratch : IDisposable
{
    /// <summary>Queries handled at once; their scores stay in the near caches.</summary>
    public const int Block = 32;
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

    public void Reserve(int keys)
    {
        if (keys <= KeyCapacity)
            return;
        KeyCapacity = Math.Max((keys + 31) / 32 * 32, KeyCapacity * 2);
        var wide = (long)KeyCapacity * ((_headSize + 31) / 32 * 32);
        var block = (long)Block * ScoreStride;
        _memory?.Dispose();
        _memory = new FloatBuffer((4 * wide) + (2 * block) + Block);
        KeyColumns = _memory.Pointer;
        ValueRows = KeyColumns + wide;
        KeyRows = ValueRows + wide;
        ValueColumns = KeyRows + wide;
        Scores = ValueColumns + wide;
        ScoreGradients = Scores + block;
        RowValues = ScoreGradients + block;
    }

    public void Dispose() => _memory?.Dispose();
}
