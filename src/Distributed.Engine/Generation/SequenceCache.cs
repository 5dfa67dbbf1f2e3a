namespace Distributed.Engine.Generation;

/// <summary>
/// The tokens of one sequence and as much of its keys and values as is cached. The tokens are the truth: cached pages may be
/// dropped at any time between requests and are worked out anew when the sequence goes on.
/// </summary>
internal sealed class SequenceCache(long id)
{
    private int[] _tokens = new int[64];
    private nint[] _pages = [];
    private int _pageCount;

    /// <summary>The caller's name for it.</summary>
    public long Id { get; } = id;

    /// <summary>Tokens so far.</summary>
    public int Length { get; private set; }

    /// <summary>How many of the tokens, from the first on, have keys and values in the pages.</summary>
    public int Cached { get; private set; }

    /// <summary>The change of weights that the cached keys and values belong to.</summary>
    public long Epoch { get; private set; }

    /// <summary>Pages held.</summary>
    public int PageCount => _pageCount;

    /// <summary>The tokens.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Length);

    /// <summary>The pages held, in order of position.</summary>
    public ReadOnlySpan<nint> Pages => _pages.AsSpan(0, _pageCount);

    /// <summary>Adds tokens at the end.</summary>
    public void Append(ReadOnlySpan<int> tokens)
    {
        if (Length + tokens.Length > _tokens.Length)
            Array.Resize(ref _tokens, Math.Max(Length + tokens.Length, 2 * _tokens.Length));
        tokens.CopyTo(_tokens.AsSpan(Length));
        Length += tokens.Length;
    }

    /// <summary>Forgets the tokens past a length, and what is cached of them.</summary>
    public void Truncate(int length)
    {
        Length = Math.Min(Length, length);
        Cached = Math.Min(Cached, Length);
    }

    /// <summary>Lets nothing cached count any more.</summary>
    public void Distrust() => Cached = 0;

    /// <summary>Notes that the keys and values of further positions are in the pages.</summary>
    public void MarkCached(int positions) => Cached += positions;

    /// <summary>Makes the cache one of these weights: what older weights left in it no longer counts.</summary>
    public void Adopt(long epoch)
    {
        if (Epoch != epoch)
            (Epoch, Cached) = (epoch, 0);
    }

    /// <summary>Copies the keys and values of the first positions from a cache that has them, for the same tokens and weights; nothing of this one is cached yet.</summary>
    public unsafe void CopyFrom(SequenceCache other, int positions, KeyValueLayout layout)
    {
        var bytes = (long)layout.PageFloats * sizeof(float);
        for (var page = 0; page < KeyValueLayout.Pages(positions); page++)
            Buffer.MemoryCopy((void*)other._pages[page], (void*)_pages[page], bytes, bytes);
        Cached = positions;
    }

    /// <summary>Takes pages until there is room for a number of positions; the store must have them.</summary>
    public void Reserve(int positions, KeyValuePages store)
    {
        var needed = KeyValueLayout.Pages(positions);
        if (needed > _pages.Length)
            Array.Resize(ref _pages, Math.Max(needed, 2 * _pages.Length));
        while (_pageCount < needed)
            _pages[_pageCount++] = store.Take();
    }

    /// <summary>Gives back the pages past a number of positions; the rest stays cached.</summary>
    public void Trim(int positions, KeyValuePages store)
    {
        var needed = KeyValueLayout.Pages(positions);
        while (_pageCount > needed)
            store.Return(_pages[--_pageCount]);
        Cached = Math.Min(Cached, positions);
    }
}
