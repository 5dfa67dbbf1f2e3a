namespace Distributed.Environments.Search;

/// <summary>What the search tool shows and when it says that it found nothing.</summary>
/// <param name="TopK">Most passages of a reply, 1 to 64.</param>
/// <param name="MinimumShare">Nothing is found unless the best passage holds at least this share of the query's words.</param>
/// <param name="WholeTitle">Nothing is found unless the query names the whole title of the best passage.</param>
/// <param name="OnePerTitle">At most one passage of each title.</param>
/// <param name="OrderSeed">If set, the passages of a reply stand in an order hashed from this and the query instead of best first.</param>
public sealed record SearchToolOptions(
    int TopK = 1, double MinimumShare = 0, bool WholeTitle = false, bool OnePerTitle = false, ulong? OrderSeed = null);

/// <summary>The search tool over an index: a query in, the text of the reply out. Safe to use from several threads.</summary>
public sealed class SearchTool(PassageIndex index, SearchToolOptions options, Func<IReadOnlyList<Passage>, string> write)
{
    /// <summary>The honest reply when no passage fits.</summary>
    public const string NothingFound = TurnFormat.ResultOpen + " nothing found " + TurnFormat.ResultClose;

    /// <summary>What the agent reads when a search took too long or failed.</summary>
    public const string NoReply = TurnFormat.ResultOpen + " no reply " + TurnFormat.ResultClose;

    private const int RememberedQueries = 4096;

    private readonly int hitsWanted = options.TopK is < 1 or > 64
        ? throw new EnvironmentSetupException($"top_k: must be 1 to 64, not {options.TopK}")
        : options.OnePerTitle ? Math.Min(256, options.TopK * 16) : options.TopK;

    // The rollouts of one problem mostly ask the same things: their replies are remembered, newest wins, in a bounded table without locks
    // (an entry never changes, and replacing one is a single write).
    private readonly Remembered?[] remembered = new Remembered?[RememberedQueries];

    /// <summary>The reply to a query.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public string Reply(string query, CancellationToken cancel = default)
    {
        ref var place = ref remembered[string.GetHashCode(query, StringComparison.Ordinal) & (RememberedQueries - 1)];
        if (Volatile.Read(ref place) is { } known && known.Query == query)
            return known.Reply;
        var found = Find(query, cancel);
        var reply = found.Count == 0 ? NothingFound : TurnFormat.ResultOpen + write(found) + TurnFormat.ResultClose;
        Volatile.Write(ref place, new Remembered(query, reply));
        return reply;
    }

    /// <summary>The passages a query brings up, in the order they are shown.</summary>
    public IReadOnlyList<Passage> Find(string query, CancellationToken cancel = default)
    {
        Span<PassageHit> hits = stackalloc PassageHit[hitsWanted];
        hits = hits[..index.Search(query, hits, cancel)];
        if (hits.IsEmpty || hits[0].Share < options.MinimumShare || (options.WholeTitle && !HoldsWords(query, index[hits[0].Passage].Title)))
            return [];
        var passages = new List<Passage>(options.TopK);
        foreach (var hit in hits)
        {
            var passage = index[hit.Passage];
            if (options.OnePerTitle && passages.Exists(kept => kept.Title == passage.Title))
                continue;
            passages.Add(passage);
            if (passages.Count == options.TopK)
                break;
        }

        if (options.OrderSeed is { } seed && passages.Count > 1)
            Shuffle(passages, new HashStream(StableHash.Of(seed, StableHash.Of(query))));
        return passages;
    }

    // Titles are a few words: looking each one up in the query is cheaper than a set.
    private static bool HoldsWords(string query, string title)
    {
        Span<char> titleBuffer = stackalloc char[WordSplitter.LongestWord], queryBuffer = stackalloc char[WordSplitter.LongestWord];
        var titleWords = new WordSplitter(title, titleBuffer);
        while (titleWords.Next() is { Length: > 0 } wanted)
        {
            var queryWords = new WordSplitter(query, queryBuffer);
            var held = false;
            while (!held && queryWords.Next() is { Length: > 0 } word)
                held = word.SequenceEqual(wanted);
            if (!held)
                return false;
        }

        return true;
    }

    private static void Shuffle(List<Passage> passages, HashStream chance)
    {
        for (var i = passages.Count - 1; i > 0; i--)
        {
            var j = chance.Below(i + 1);
            (passages[i], passages[j]) = (passages[j], passages[i]);
        }
    }

    private sealed record Remembered(string Query, string Reply);
}
