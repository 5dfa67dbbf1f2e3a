using System.Text;
using Distributed.Ports;

namespace Distributed.Engine.Tokenizers;

/// <summary>One id per word; words outside the vocabulary become the unknown token. Ids are decoded with one space between tokens.</summary>
internal sealed class WordLevelModel(Vocabulary vocabulary, IReadOnlyList<WordSplit> splits, int unknownId) : TokenModel
{
    // Splitting at white space twice changes nothing, and into words also at white space: the finest split says all.
    private readonly WordSplit _split = splits.Contains(WordSplit.WordsAndPunctuation) ? WordSplit.WordsAndPunctuation : WordSplit.Whitespace;

    public override void Encode(ReadOnlySpan<char> text, List<int> ids)
    {
        for (var start = 0; WordScanner.TryNext(text, _split, ref start, out var end); start = end)
        {
            ids.Add(Id(text[start..end]));
        }
    }

    public override void EncodeWithOffsets(ReadOnlySpan<char> text, List<TokenSpan> spans)
    {
        for (var start = 0; WordScanner.TryNext(text, _split, ref start, out var end); start = end)
        {
            spans.Add(new TokenSpan(Id(text[start..end]), start, end));
        }
    }

    public override string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            if (vocabulary.Token(id) is { } token)
            {
                if (text.Length > 0)
                {
                    text.Append(' ');
                }

                text.Append(token);
            }
        }

        return text.ToString();
    }

    private int Id(ReadOnlySpan<char> word) => vocabulary.Spans.TryGetValue(word, out var id) ? id : unknownId;
}
