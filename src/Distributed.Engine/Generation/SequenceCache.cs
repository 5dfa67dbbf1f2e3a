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

    /// <summary>Some of what is cached is of older weights, kept on purpose.</summary>
    public bool IsMixed { get; private set; }

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
    public void Truncate(int length, IPageStore store)
    {
        Length = Math.Min(Length, length);
        Cached = Math.Min(Cached, Length);

        // What comes next is written behind the last position that counts, and never into a page that others hold.
        var whole = Cached / KeyValueLayout.PagePositions;
        if (whole < _pageCount && store.IsShared(_pages[whole]))
            Cached = whole * KeyValueLayout.PagePositions;
        Trim(Cached, store);
    }

    /// <summary>Lets nothing cached count any more.</summary>
    public void Distrust() => Cached = 0;

    /// <summary>Notes that the keys and values of further positions are in the pages.</summary>
    public void MarkCached(int positions) => Cached += positions;

    /// <summary>Makes the cache one of these weights: what older weights left in it no longer counts.</summary>
    public void Adopt(long epoch)
    {
        if (Epoch != epoch)
            (Epoch, Cached, IsMixed) = (epoch, 0, false);
    }

    /// <summary>Goes on with other weights on what older ones left.</summary>
    public void CarryOver(long epoch) => (Epoch, IsMixed) = (epoch, IsMixed || (Epoch != epoch && Cached > 0));

    /// <summary>
    /// Takes over the keys and values of the first positions from a cache that has them, for the same tokens and weights; nothing of this one is
    /// cached yet. Full pages are shared, a part of one is copied if there is a page for it.
    /// </summary>
    public void ShareFrom(SequenceCache other, int positions, IPageStore store)
    {
        var whole = positions / KeyValueLayout.PagePositions;
        if (whole > _pages.Length)
            Array.Resize(ref _pages, Math.Max(whole, 2 * _pages.Length));
        for (var page = 0; page < whole; page++)
        {
            if (page < _pageCount && _pages[page] == other._pages[page])
                continue;
            if (page < _pageCount)
                store.Return(_pages[page]);
            _pages[page] = store.Share(other._pages[page]);
        }

        _pageCount = Math.Max(_pageCount, whole);
        Cached = whole * KeyValueLayout.PagePositions;
        if (Cached == positions || whole >= _pageCount)
            return;
        if (_pages[whole] != other._pages[whole])
            store.Copy(other._pages[whole], _pages[whole]);

        Cached = positions;
    }

    /// <summary>Takes pages until there is room for a number of positions; the store must have them.</summary>
    public void Reserve(int positions, IPageStore store)
    {
        var needed = KeyValueLayout.Pages(positions);
        if (needed > _pages.Length)
            Array.Resize(ref _pages, Math.Max(needed, 2 * _pages.Length));
        while (_pageCount < needed)
            _pages[_pageCount++] = store.Take();
    }

    /// <summary>Gives back the pages past a number of positions; the rest stays cached.</summary>
    public void Trim(int positions, IPageStore store)
    {
        var needed = KeyValueLayout.Pages(positions);
        while (_pageCount > needed)
            store.Return(_pages[--_pageCount]);
        Cached = Math.Min(Cached, positions);
        IsMixed &= Cached > 0;
    }
}
