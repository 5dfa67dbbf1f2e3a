namespace Distributed.Engine.Tokenizers;

/// <summary>
/// A step of a regular expression. Steps point to what follows them, so that matching needs no list of what is still to come; only single
/// characters can repeat, so that it never goes deeper than the expression is long.
/// </summary>
internal abstract class PatternNode
{
    /// <summary>The end of the match that begins here, or -1.</summary>
    /// <param name="text">The text.</param>
    /// <param name="at">Where this step begins.</param>
    /// <param name="budget">Characters that may still be looked at; negative when there are none left, and then nothing matches.</param>
    public abstract int Match(ReadOnlySpan<char> text, int at, ref long budget);
}

internal sealed class AcceptNode : PatternNode
{
    public override int Match(ReadOnlySpan<char> text, int at, ref long budget) => at;
}

/// <summary>Characters of a set, as many as there are; fewer if what follows needs some of them, unless it is possessive.</summary>
internal sealed class RepeatNode(CharacterSet set, int least, int most, bool possessive, PatternNode next) : PatternNode
{
    public override int Match(ReadOnlySpan<char> text, int at, ref long budget)
    {
        var (end, count) = (at, 0);
        for (int length; count < most && (length = set.Match(text, end)) > 0; count++)
            end += length;
        budget -= count + 1;
        while (count >= least && budget >= 0)
        {
            var found = next.Match(text, end, ref budget);
            if (found >= 0 || possessive)
                return found;
            if (count-- == 0)
                break;
            end -= end - at >= 2 && char.IsSurrogatePair(text[end - 2], text[end - 1]) ? 2 : 1;
        }

        return -1;
    }
}

/// <summary>The first of several ways that leads to the end.</summary>
internal sealed class ChoiceNode(IReadOnlyList<PatternNode> ways) : PatternNode
{
    public override int Match(ReadOnlySpan<char> text, int at, ref long budget)
    {
        foreach (var way in ways)
        {
            if (--budget < 0)
                return -1;
            if (way.Match(text, at, ref budget) is var end and >= 0)
                return end;
        }

        return -1;
    }
}

/// <summary>Goes on if something stands here, or does not; takes nothing.</summary>
internal sealed class LookaheadNode(PatternNode body, bool negated, PatternNode next) : PatternNode
{
    public override int Match(ReadOnlySpan<char> text, int at, ref long budget) =>
        body.Match(text, at, ref budget) >= 0 != negated && budget >= 0 ? next.Match(text, at, ref budget) : -1;
}
