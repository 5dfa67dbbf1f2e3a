namespace Distributed.Engine.Tokenizers;

/// <summary>Applies merges to the symbols of one piece: always the earliest-learnt pair, of equal ones the leftmost.</summary>
internal static class BytePairMerger
{
    /// <summary>From this many symbols on, a heap is faster than looking at every pair again.</summary>
    private const int HeapFrom = 96;

    /// <summary>Merges in place.</summary>
    /// <param name="symbols">Ids of the piece's bytes; afterwards its first part holds the result.</param>
    /// <param name="merges">What merges into what.</param>
    /// <returns>Length of the result.</returns>
    public static int Merge(Span<int> symbols, MergeTable merges) =>
        symbols.Length < HeapFrom ? MergeShort(symbols, merges) : MergeLong(symbols, merges);

    private static int MergeShort(Span<int> symbols, MergeTable merges)
    {
        var count = symbols.Length;
        Span<int> ranks = stackalloc int[HeapFrom];
        for (var i = 0; i + 1 < count; i++)
        {
            ranks[i] = merges.Find(symbols[i], symbols[i + 1]).Rank;
        }

        while (count > 1)
        {
            var (best, at) = (MergeTable.None, -1);
            for (var i = 0; i + 1 < count; i++)
            {
                if (ranks[i] < best)
                {
                    (best, at) = (ranks[i], i);
                }
            }

            if (at < 0)
            {
                break;
            }

            symbols[at] = merges.Find(symbols[at], symbols[at + 1]).Id;
            symbols[(at + 2)..count].CopyTo(symbols[(at + 1)..]);
            ranks[(at + 1)..(count - 1)].CopyTo(ranks[at..]);
            count--;
            if (at > 0)
            {
                ranks[at - 1] = merges.Find(symbols[at - 1], symbols[at]).Rank;
            }

            if (at + 1 < count)
            {
                ranks[at] = merges.Find(symbols[at], symbols[at + 1]).Rank;
            }
        }

        return count;
    }

    /// <summary>A linked list of symbols and a heap of candidate pairs; a candidate that no longer stands is passed over.</summary>
    private static int MergeLong(Span<int> symbols, MergeTable merges)
    {
        var count = symbols.Length;
        var next = new int[count];
        var previous = new int[count];
        var alive = new bool[count];
        var candidates = new PriorityQueue<(int At, int Left, int Right, int Id), (int Rank, int At)>(count);
        for (var i = 0; i < count; i++)
        {
            (previous[i], next[i], alive[i]) = (i - 1, i + 1 < count ? i + 1 : -1, true);
            Propose(symbols, i, i + 1 < count ? i + 1 : -1);
        }

        while (candidates.TryDequeue(out var candidate, out _))
        {
            var at = candidate.At;
            var right = alive[at] ? next[at] : -1;
            if (right < 0 || symbols[at] != candidate.Left || symbols[right] != candidate.Right)
            {
                continue;
            }

            symbols[at] = candidate.Id;
            alive[right] = false;
            next[at] = next[right];
            if (next[at] >= 0)
            {
                previous[next[at]] = at;
            }

            Propose(symbols, previous[at], at);
            Propose(symbols, at, next[at]);
        }

        var length = 0;
        for (var i = 0; i >= 0; i = next[i])
        {
            symbols[length++] = symbols[i];
        }

        return length;

        void Propose(Span<int> symbols, int left, int right)
        {
            if (left >= 0 && right >= 0 && merges.Find(symbols[left], symbols[right]) is var (rank, id) && rank != MergeTable.None)
            {
                candidates.Enqueue((left, symbols[left], symbols[right], id), (rank, left));
            }
        }
    }
}
