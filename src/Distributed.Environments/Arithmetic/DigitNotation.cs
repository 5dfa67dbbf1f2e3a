using System.Text;

namespace Distributed.Environments.Arithmetic;

/// <summary>
/// Numbers as the arithmetic world writes them: digit by digit with spaces between, so that a word-level tokenizer makes one token of each digit.
/// </summary>
public static class DigitNotation
{
    /// <summary>A number in digits: 4317 becomes <c>4 3 1 7</c>.</summary>
    public static string Of(long number) => Spread(number.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Parts every digit and every sign before a digit from what stands beside it; white space becomes single spaces.</summary>
    public static string Spread(ReadOnlySpan<char> text)
    {
        var spread = new StringBuilder(text.Length * 2);
        var before = ' ';
        foreach (var c in text)
        {
            if (char.IsWhiteSpace(c))
            {
                before = ' ';
                continue;
            }

            if (spread.Length > 0 && (before == ' ' || char.IsAsciiDigit(c) || char.IsAsciiDigit(before)))
                spread.Append(' ');
            spread.Append(c);
            before = c;
        }

        return spread.ToString();
    }

    /// <summary>Puts digits parted by spaces or tabs together again: <c>4 3 1 7 * 2 8</c> becomes <c>4317 * 28</c>.</summary>
    public static string Join(ReadOnlySpan<char> text)
    {
        var joined = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not (' ' or '\t'))
            {
                joined.Append(text[i]);
                continue;
            }

            var end = i;
            while (end < text.Length && text[end] is ' ' or '\t')
                end++;
            if (!(i > 0 && char.IsAsciiDigit(text[i - 1]) && end < text.Length && char.IsAsciiDigit(text[end])))
                joined.Append(text[i..end]);
            i = end - 1;
        }

        return joined.ToString();
    }
}
