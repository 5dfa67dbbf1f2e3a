using System.Runtime.InteropServices;

namespace Distributed.Environments.Search;

/// <summary>
/// An inverted index with BM25 ranking (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009). Every
/// posting carries its finished contribution as a 16-bit integer in units of 1/1024, so that sums are exact and ties are real ties,
/// broken by the lower passage number. Immutable; safe to use from several threads.
/// </summary>
public sealed partial class PassageIndex
{
    /// <summary>Only so many words of a query count, the first ones.</summary>
    public const int MostQueryWords = 32;

    private readonly Dictionary<string, int> terms;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> termOf;
    private readonly int[] starts;
    private readonly int[] postings;
    private readonly ushort[] impacts;
    private readonly ushort[] strongest;
    private readonly PassageSets sets;
    private readonly List<Passage> passages;

    private PassageIndex(
        Dictionary<string, int> terms, int[] starts, int[] postings, ushort[] impacts, ushort[] strongest, List<Passage> passages)
    {
        sets = new PassageSets(starts, postings, passages.Count);
        this.terms = terms;
        termOf = terms.GetAlternateLookup<ReadOnlySpan<char>>();
        this.starts = starts;
        this.postings = postings;
        this.impacts = impacts;
        this.strongest = strongest;
        this.passages = passages;
    }

    /// <summary>Number of passages.</summary>
    public int Count => passages.Count;

    /// <summary>Number of distinct words.</summary>
    public int WordCount => terms.Count;

    /// <summary>A passage by its number.</summary>
    public Passage this[int passage] => passages[passage];

    /// <summary>The best passages for a query, best first; equal scores by ascending number.</summary>
    /// <param name="query">Any text; its distinct words are what is searched for.</param>
    /// <param name="hits">Receives the hits; its length is how many are wanted, at least 1.</param>
    /// <param name="cancel">Checked every few thousand postings.</param>
    /// <returns>How many hits there are; 0 if no passage holds a word of the query.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public int Search(ReadOnlySpan<char> query, Span<PassageHit> hits, CancellationToken cancel = default)
    {
        Span<int> found = stackalloc int[MostQueryWords];
        var asked = Terms(query, found, out var known);
        if (known == 0 || hits.Length == 0)
            return 0;
        var ranking = new Ranking(this, found[..known], hits, stackalloc Cursor[known]);
        var count = ranking.Run(cancel);
        for (var i = 0; i < count; i++)
            hits[i] = hits[i] with { WordsAsked = asked, WordsFound = CountWords(hits[i].Passage, found[..known]) };
        return count;
    }

    // Distinct words of a query: how many there are, and the numbers of those the index knows.
    private int Terms(ReadOnlySpan<char> query, Span<int> found, out int known)
    {
        Span<char> buffer = stackalloc char[WordSplitter.LongestWord];
        Span<ulong> unknown = stackalloc ulong[MostQueryWords];
        var words = new WordSplitter(query, buffer);
        var unknownCount = 0;
        known = 0;
        while (known + unknownCount < MostQueryWords && words.Next() is { Length: > 0 } word)
        {
            if (termOf.TryGetValue(word, out var term))
            {
                if (!found[..known].Contains(term))
                    found[known++] = term;
            }
            else if (StableHash.Of(word) is var hash && !unknown[..unknownCount].Contains(hash))
            {
                unknown[unknownCount++] = hash;
            }
        }

        return known + unknownCount;
    }

    private int CountWords(int passage, ReadOnlySpan<int> found)
    {
        var count = 0;
        foreach (var term in found)
        {
            if (postings.AsSpan(starts[term], starts[term + 1] - starts[term]).BinarySearch(passage) >= 0)
                count++;
        }

        return count;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Cursor
    {
        public int Start;
        public int At;
        public int End;

        // Place of the word's set, or -1 if it has none.
        public int Set;
        public int Strongest;

        // Sum of Strongest of this cursor and all before it.
        public int StrongestSum;
    }
}
