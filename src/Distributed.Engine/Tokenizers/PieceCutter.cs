namespace Distributed.Engine.Tokenizers;

/// <summary>Cuts text into pieces, one after the other.</summary>
internal abstract class PieceCutter
{
    /// <summary>Length in characters of the piece the text begins with; the text is not empty.</summary>
    public abstract int Next(ReadOnlySpan<char> text);
}

/// <summary>Cuts by a regular expression: its matches are pieces, and so is what lies between them.</summary>
/// <param name="pattern">The expression.</param>
/// <param name="place">Where it stands, for complaints.</param>
internal sealed class PatternCutter(PatternNode pattern, JsonPlace place) : PieceCutter
{
    private const long LeastBudget = 100_000;
    private const long BudgetPerCharacter = 256;

    /// <summary>What GPT-2's byte-level pre-tokenizer cuts by when its file does not say.</summary>
    public const string ByteLevelPattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly string _file = place.File;
    private readonly string _place = place.Place;

    /// <summary>Reads the expression at a place.</summary>
    /// <exception cref="TokenizerFileException">It is not supported.</exception>
    public static PatternCutter Read(string pattern, JsonPlace place)
    {
        try
        {
            var node = PatternParser.Read(pattern);
            var budget = LeastBudget;
            return node.Match("", 0, ref budget) < 0 ? new PatternCutter(node, place) : throw place.Refuse("the pattern matches the empty text; give one that does not");
        }
        catch (PatternException error)
        {
            throw place.Refuse($"the pattern is not supported: {error.Message}");
        }
    }

    public override int Next(ReadOnlySpan<char> text)
    {
        // A hostile pattern may try everything everywhere; the honest ones look at each character a few times.
        var budget = LeastBudget + (BudgetPerCharacter * text.Length);
        for (var start = 0; start < text.Length; start++)
        {
            var end = pattern.Match(text, start, ref budget);
            if (budget < 0)
                throw new TokenizerFileException($"{_file}: {_place}: the pattern takes too long on a text of {text.Length} characters; use one that does not try so many ways");
            if (end > start)
                return start == 0 ? end : start;
            if (start + 1 < text.Length && char.IsSurrogatePair(text[start], text[start + 1]))
                start++;
        }

        return text.Length;
    }
}
