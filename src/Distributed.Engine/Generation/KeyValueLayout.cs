namespace Distributed.Engine.Generation;

/// <summary>
/// How the keys and values of <see cref="PagePositions"/> consecutive positions of one sequence lie in a page: for every layer and key/value
/// head a tile of keys [headSize][positions], transposed so that one vector holds one component of many positions, then a tile of
/// values [positions][headSize rounded up to 16].
/// </summary>
internal sealed class KeyValueLayout
{
    /// <summary>Positions of a page; a multiple of every vector width.</summary>
    public const int PagePositions = 16;

    /// <summary>Describes a model's cache.</summary>
    public KeyValueLayout(int layers, int heads, int headSize)
    {
        Heads = heads;
        HeadSize = headSize;
        ValueStride = (headSize + 15) / 16 * 16;
        TileFloats = PagePositions * (headSize + ValueStride);
        PageFloats = checked(layers * heads * TileFloats);
    }

    /// <summary>Key/value heads of a layer.</summary>
    public int Heads { get; }

    /// <summary>Components of a key or value.</summary>
    public int HeadSize { get; }

    /// <summary>Floats from one position's value to the next.</summary>
    public int ValueStride { get; }

    /// <summary>Floats of the key tile and the value tile of one layer and head.</summary>
    public int TileFloats { get; }

    /// <summary>Floats of a page.</summary>
    public int PageFloats { get; }

    /// <summary>Where the key tile of a layer and head begins in a page; the value tile is <see cref="HeadSize"/> * <see cref="PagePositions"/> further on.</summary>
    public int Tile(int layer, int head) => ((layer * Heads) + head) * TileFloats;

    /// <summary>Pages that hold a number of positions.</summary>
    public static int Pages(int positions) => (positions + PagePositions - 1) / PagePositions;
}
