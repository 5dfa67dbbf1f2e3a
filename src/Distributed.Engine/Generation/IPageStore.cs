namespace Distributed.Engine.Generation;

/// <summary>
/// A bounded store of pages for keys and values, wherever an engine keeps them. Several sequences may hold one page; it is free when none
/// does. What number stands for a page is the store's affair. Not thread-safe: its owner locks.
/// </summary>
internal interface IPageStore : IDisposable
{
    /// <summary>Most pages there can be.</summary>
    int Capacity { get; }

    /// <summary>Pages that can still be taken.</summary>
    int Available { get; }

    /// <summary>Bytes of one page.</summary>
    long PageBytes { get; }

    /// <summary>Takes a page; its content is undefined. There must be one.</summary>
    nint Take();

    /// <summary>Notes another holder of a page.</summary>
    nint Share(nint page);

    /// <summary>Whether more than one sequence holds a page; such a page is full and never changed.</summary>
    bool IsShared(nint page);

    /// <summary>Gives a page back.</summary>
    void Return(nint page);

    /// <summary>Copies what one page holds into another.</summary>
    void Copy(nint from, nint to);
}
