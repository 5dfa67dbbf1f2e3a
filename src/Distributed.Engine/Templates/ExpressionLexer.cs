using System.Globalization;
using System.Numerics;
using System.Text;

namespace Distributed.Engine.Templates;

/// <summary>Reads one token inside a tag: names, strings, numbers, operators.</summary>
internal sealed class ExpressionLexer(string source)
{
    private const int LongestNumber = 400;

    private static readonly string[] Operators =
        ["==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|"];

    /// <summary>The token at <paramref name="at"/>, which moves behind it; a complaint if there is none.</summary>
    public Token Next(ref int at, out string? complaint)
    {
        complaint = null;
        var character = source[at];
        if (character == '_' || char.IsLetter(character))
        {
            var start = at;
            while (at < source.Length && (source[at] == '_' || char.IsLetterOrDigit(source[at])))
                at++;
            return new Token(TokenKind.Name, source[start..at], default);
        }

        if (char.IsAsciiDigit(character))
            return Number(ref at, out complaint);
        if (character is '\'' or '"')
            return Text(ref at, out complaint);
        foreach (var symbol in Operators)
        {
            if (source.AsSpan(at).StartsWith(symbol))
            {
                at += symbol.Length;
                return new Token(TokenKind.Operator, symbol, default);
            }
        }

        complaint = $"'{character}' has no meaning here";
        return default;
    }

    private Token Number(ref int at, out string? complaint)
    {
        complaint = null;
        var start = at;
        Digits(ref at);
        var isFloat = false;
        if (at + 1 < source.Length && source[at] == '.' && char.IsAsciiDigit(source[at + 1]))
        {
            isFloat = true;
            at++;
            Digits(ref at);
        }

        if (at < source.Length && source[at] is 'e' or 'E')
        {
            var exponent = at + 1;
            if (exponent < source.Length && source[exponent] is '+' or '-')
                exponent++;
            if (exponent < source.Length && char.IsAsciiDigit(source[exponent]))
            {
                isFloat = true;
                at = exponent;
                Digits(ref at);
            }
        }

        var text = source[start..at];
        if (text.Length > LongestNumber)
        {
            complaint = $"a number of more than {LongestNumber} digits";
            return default;
        }

        var digits = text.Replace("_", "", StringComparison.Ordinal);
        object value = isFloat ? double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture) : BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        return new Token(TokenKind.Literal, text, default, value);
    }

    private void Digits(ref int at)
    {
        while (at < source.Length && (char.IsAsciiDigit(source[at]) || source[at] == '_' && at + 1 < source.Length && char.IsAsciiDigit(source[at + 1])))
            at++;
    }

    private Token Text(ref int at, out string? complaint)
    {
        complaint = null;
        var (start, quote) = (at, source[at]);
        var text = new StringBuilder();
        for (at++; at < source.Length; at++)
        {
            var character = source[at];
            if (character == quote)
            {
                at++;
                return new Token(TokenKind.Literal, source[start..at], default, text.ToString());
            }

            if (character != '\\')
            {
                text.Append(character);
            }
            else if (++at < source.Length && !Escape(ref at, text))
            {
                complaint = "an escape in this string is not a character";
                return default;
            }
        }

        complaint = "the string does not end";
        return default;
    }

    // As Python's unicode-escape; at stands on the character after the backslash and ends on the last one used.
    private bool Escape(ref int at, StringBuilder text)
    {
        switch (source[at])
        {
            case '\n': break;
            case '\\' or '\'' or '"': text.Append(source[at]); break;
            case 'n': text.Append('\n'); break;
            case 't': text.Append('\t'); break;
            case 'r': text.Append('\r'); break;
            case 'a': text.Append('\a'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'v': text.Append('\v'); break;
            case 'x': return Hex(ref at, 2, text);
            case 'u': return Hex(ref at, 4, text);
            case 'U': return Hex(ref at, 8, text);
            case >= '0' and <= '7': Octal(ref at, text); break;
            case 'N': return false;
            default: text.Append('\\').Append(source[at]); break;
        }

        return true;
    }

    private bool Hex(ref int at, int digits, StringBuilder text)
    {
        if (at + digits >= source.Length
            || !int.TryParse(source.AsSpan(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || !Rune.IsValid(value))
            return false;
        text.Append(new Rune(value));
        at += digits;
        return true;
    }

    private void Octal(ref int at, StringBuilder text)
    {
        var value = source[at] - '0';
        for (var digits = 1; digits < 3 && at + 1 < source.Length && source[at + 1] is >= '0' and <= '7'; digits++)
            value = value * 8 + (source[++at] - '0');
        text.Append((char)value);
    }
}
