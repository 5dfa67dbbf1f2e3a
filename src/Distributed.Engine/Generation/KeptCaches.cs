namespace Distributed.Engine.Generation;

/// <summary>
/// Caches nobody works on now, kept until their pages are needed: those of sequences that wait for their next turn, and the prompts of released
/// ones, because another rollout of their group may begin later. Prompts go first, the oldest before the others.
/// </summary>
/// <param name="pages">Where pages go back to.</param>
internal sealed class KeptCaches(IPageStore pages)
{
    /// <summary>Most prompts of released sequences that are remembered.</summary>
    private const int MostPrompts = 64;

    private readonly LinkedList<SequenceSlot> _idle = new();
    private readonly LinkedList<SequenceSlot> _prompts = new();

    /// <summary>All of them, prompts of released sequences first.</summary>
    public IEnumerable<SequenceCache> Caches => _prompts.Concat(_idle).Select(slot => slot.Cache);

    /// <summary>Keeps what a sequence has cached until its next turn.</summary>
    public void Keep(SequenceSlot slot)
    {
        if (slot.Cache.PageCount > 0)
            _idle.AddLast(slot.Idle);
    }

    /// <summary>A turn of the sequence begins: it is no longer anybody's to drop.</summary>
    public static void Take(SequenceSlot slot) => slot.Idle.List?.Remove(slot.Idle);

    /// <summary>Keeps the full pages of a released sequence's prompt, if they are of these weights and not kept already.</summary>
    public void Remember(SequenceSlot slot, long epoch)
    {
        Take(slot);
        var cache = slot.Cache;
        var kept = cache.Epoch == epoch && !cache.IsMixed ? Math.Min(slot.PromptLength, cache.Cached) / KeyValueLayout.PagePositions * KeyValueLayout.PagePositions : 0;
        foreach (var other in _prompts)
        {
            if (kept > 0 && other.Cache.Pages[0] == cache.Pages[0] && other.Cache.Cached >= kept)
                kept = 0;
        }

        cache.Trim(kept, pages);
        if (kept == 0)
            return;
        if (_prompts.Count == MostPrompts)
            Drop(_prompts.First!.Value);
        _prompts.AddLast(slot.Idle);
    }

    /// <summary>Drops caches until so many pages are free, or none is left to drop.</summary>
    public void MakeRoom(int needed)
    {
        while (pages.Available < needed && (_prompts.First ?? _idle.First) is { } oldest)
            Drop(oldest.Value);
    }

    /// <summary>Drops the prompts of released sequences: other weights would never be compared with them.</summary>
    public void DropPrompts()
    {
        while (_prompts.First is { } prompt)
            Drop(prompt.Value);
    }

    private void Drop(SequenceSlot slot)
    {
        Take(slot);
        slot.Cache.Trim(0, pages);
    }
}
