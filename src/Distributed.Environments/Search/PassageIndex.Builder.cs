namespace Distributed.Environments.Search;

public sealed partial class PassageIndex
{
    /// <summary>Ranking constants and bounds of an index.</summary>
    /// <param name="TitleWeight">How often a title's words count; at least 1.</param>
    /// <param name="K1">BM25's saturation of repeated words.</param>
    /// <param name="B">BM25's length normalisation, 0 to 1.</param>
    /// <param name="MostPassages">More passages are refused.</param>
    public sealed record Options(int TitleWeight = 1, double K1 = 1.2, double B = 0.75, int MostPassages = 5_000_000);

    /// <summary>Indexes passages; they are numbered in their order.</summary>
    /// <exception cref="EnvironmentSetupException">More passages or words than the index can hold.</exception>
    public static PassageIndex Build(IEnumerable<Passage> passages, Options? options = null)
    {
        var builder = new Builder(options ?? new Options());
        foreach (var passage in passages)
            builder.Add(passage);
        return builder.Finish();
    }

    private sealed class Builder(Options options)
    {
        private readonly Dictionary<string, int> terms = [];
        private readonly List<Passage> passages = [];

        // Per passage its distinct words: the word's number and how often it counts; `ends` says where a passage's entries end.
        private readonly List<(int Term, ushort Frequency)> entries = [];
        private readonly List<int> ends = [];
        private readonly List<int> lengths = [];
        private readonly List<int> passagesWith = [];
        private readonly List<int> lastEntry = [];

        public void Add(in Passage passage)
        {
            if (passages.Count == options.MostPassages)
                throw new EnvironmentSetupException($"the corpus has more than {options.MostPassages} passages: raise max_passages or split the corpus");
            var length = CountWords(passage.Title, options.TitleWeight) + CountWords(passage.Text, 1);
            passages.Add(passage);
            lengths.Add(length);
            ends.Add(entries.Count);
        }

        private int CountWords(string text, int weight)
        {
            Span<char> buffer = stackalloc char[WordSplitter.LongestWord];
            var words = new WordSplitter(text, buffer);
            var lookup = terms.GetAlternateLookup<ReadOnlySpan<char>>();
            var first = ends.Count == 0 ? 0 : ends[^1];
            var length = 0;
            while (words.Next() is { Length: > 0 } word)
            {
                length += weight;
                if (!lookup.TryGetValue(word, out var term))
                {
                    term = terms.Count;
                    terms.Add(word.ToString(), term);
                    passagesWith.Add(0);
                    lastEntry.Add(-1);
                }

                var entry = lastEntry[term];
                if (entry >= first)
                {
                    entries[entry] = (term, (ushort)Math.Min(entries[entry].Frequency + weight, ushort.MaxValue));
                    continue;
                }

                if (entries.Count == Array.MaxLength)
                    throw new EnvironmentSetupException("the corpus has more words than one index can hold: split the corpus");
                lastEntry[term] = entries.Count;
                entries.Add((term, (ushort)Math.Min(weight, ushort.MaxValue)));
                passagesWith[term]++;
            }

            return length;
        }

        public PassageIndex Finish()
        {
            var starts = new int[terms.Count + 1];
            for (var term = 0; term < terms.Count; term++)
                starts[term + 1] = starts[term] + passagesWith[term];
            var postings = new int[entries.Count];
            var impacts = new ushort[entries.Count];
            var strongest = new ushort[terms.Count];
            var inverseFrequency = new double[terms.Count];
            for (var term = 0; term < terms.Count; term++)
                inverseFrequency[term] = Math.Log(1 + ((passages.Count - passagesWith[term] + 0.5) / (passagesWith[term] + 0.5)));

            var averageLength = Math.Max(1, lengths.Count == 0 ? 1 : lengths.Average());
            var next = starts.AsSpan(0, terms.Count).ToArray();
            for (int passage = 0, entry = 0; passage < passages.Count; passage++)
            {
                var norm = options.K1 * (1 - options.B + (options.B * lengths[passage] / averageLength));
                for (; entry < ends[passage]; entry++)
                {
                    var (term, frequency) = entries[entry];
                    var score = inverseFrequency[term] * frequency * (options.K1 + 1) / (frequency + norm);
                    var impact = (ushort)Math.Clamp(Math.Round(score * 1024), 1, ushort.MaxValue);
                    var place = next[term]++;
                    postings[place] = passage;
                    impacts[place] = impact;
                    strongest[term] = Math.Max(strongest[term], impact);
                }
            }

            return new PassageIndex(terms, starts, postings, impacts, strongest, passages);
        }
    }
}
