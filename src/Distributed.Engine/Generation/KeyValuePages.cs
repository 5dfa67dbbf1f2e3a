using Distributed.Engine.Kernels;

namespace Distributed.Engine.Generation;

/// <summary>
/// A bounded store of pages for keys and values. Several sequences may hold one page; it is free when none does. Memory is taken in slabs
/// when first needed and kept. Not thread-safe: its owner locks.
/// </summary>
internal sealed unsafe class KeyValuePages : IPageStore
{
    private const int SlabPages = 32;

    /// <summary>Floats before a page that hold the number of its holders, a whole cache line.</summary>
    private const int Header = 16;

    private readonly KeyValueLayout _layout;
    private readonly List<FloatBuffer> _slabs = [];
    private readonly Stack<nint> _free = new();
    private int _made;

    /// <summary>A store of at most <paramref name="capacity"/> pages.</summary>
    public KeyValuePages(KeyValueLayout layout, int capacity)
    {
        _layout = layout;
        Capacity = capacity;
    }

    /// <summary>Most pages there can be.</summary>
    public int Capacity { get; }

    /// <inheritdoc/>
    public long PageBytes => (long)_layout.PageFloats * sizeof(float);

    /// <summary>Pages that can still be taken.</summary>
    public int Available => Capacity - _made + _free.Count;

    /// <summary>Takes a page; its content is undefined. There must be one.</summary>
    public nint Take()
    {
        if (_free.Count == 0)
            AddSlab();
        var page = _free.Pop();
        Holders(page) = 1;
        return page;
    }

    /// <summary>Notes another holder of a page.</summary>
    public nint Share(nint page)
    {
        Holders(page)++;
        return page;
    }

    /// <summary>Whether more than one sequence holds a page; such a page is full and never changed.</summary>
    public bool IsShared(nint page) => Holders(page) > 1;

    /// <summary>Gives a page back.</summary>
    public void Return(nint page)
    {
        if (--Holders(page) == 0)
            _free.Push(page);
    }

    /// <inheritdoc/>
    public void Copy(nint from, nint to) => Buffer.MemoryCopy((void*)from, (void*)to, PageBytes, PageBytes);

    public void Dispose()
    {
        foreach (var slab in _slabs)
            slab.Dispose();
        _slabs.Clear();
        _free.Clear();
    }

    private static ref int Holders(nint page) => ref *((int*)page - Header);

    private void AddSlab()
    {
        var count = Math.Min(SlabPages, Capacity - _made);
        if (count <= 0)
            throw new InvalidOperationException("No page is free; the owner must ask what is available first.");

        var stride = (long)(Header + _layout.PageFloats + 15) / 16 * 16;
        var slab = new FloatBuffer(count * stride);
        _slabs.Add(slab);
        for (var i = count - 1; i >= 0; i--)
            _free.Push((nint)(slab.Pointer + (i * stride) + Header));
        _made += count;
    }
}
