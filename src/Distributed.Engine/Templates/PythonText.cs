using System.Globalization;
using System.Text;

namespace Distributed.Engine.Templates;

/// <summary>Strings as Python sees them: sequences of code points, with its notion of white space. Templates are written for that.</summary>
internal static class PythonText
{
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001c' and <= '\u001f';

    /// <summary>All line endings as line feeds.</summary>
    public static string ReplaceLineEndingsAsPython(this string text) =>
        text.Contains('\r') ? text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n') : text;

    public static ReadOnlySpan<char> TrimStart(ReadOnlySpan<char> text)
    {
        var start = 0;
        while (start < text.Length && IsSpace(text[start]))
            start++;
        return text[start..];
    }

    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        var end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
            end--;
        return text[..end];
    }

    /// <summary>str.strip and its halves.</summary>
    /// <param name="text">The text.</param>
    /// <param name="set">The characters to take away, or null for white space.</param>
    /// <param name="start">At the start.</param>
    /// <param name="end">At the end.</param>
    public static string Strip(string text, string? set, bool start, bool end)
    {
        if (set is null)
        {
            var span = text.AsSpan();
            span = start ? TrimStart(span) : span;
            return (end ? TrimEnd(span) : span).ToString();
        }

        var runes = set.EnumerateRunes().ToHashSet();
        var (from, to) = (0, text.Length);
        while (start && from < to && Rune.DecodeFromUtf16(text.AsSpan(from, to - from), out var rune, out var taken) == System.Buffers.OperationStatus.Done && runes.Contains(rune))
            from += taken;
        while (end && from < to && Rune.DecodeLastFromUtf16(text.AsSpan(from, to - from), out var rune, out var taken) == System.Buffers.OperationStatus.Done && runes.Contains(rune))
            to -= taken;
        return text[from..to];
    }

    /// <summary>Number of code points.</summary>
    public static int Length(string text)
    {
        var count = text.Length;
        for (var i = 1; i < text.Length; i++)
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1]))
                count--;
        return count;
    }

    /// <summary>One string per code point.</summary>
    public static string[] Characters(string text)
    {
        var characters = new string[Length(text)];
        for (int i = 0, at = 0; i < characters.Length; i++)
        {
            var taken = at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;
            characters[i] = text.Substring(at, taken);
            at += taken;
        }

        return characters;
    }

    /// <summary>Order by code points.</summary>
    public static int Compare(string left, string right)
    {
        for (var i = 0; i < Math.Min(left.Length, right.Length); i++)
        {
            if (left[i] == right[i])
                continue;
            // Surrogates stand for code points above every other unit.
            var (a, b) = (char.IsSurrogate(left[i]), char.IsSurrogate(right[i]));
            return a == b ? left[i].CompareTo(right[i]) : a ? 1 : -1;
        }

        return left.Length.CompareTo(right.Length);
    }

    /// <summary>repr of a float: the shortest digits that read back as the same number, in Python's notation.</summary>
    public static string Float(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var negative = double.IsNegative(value);
        var (digits, exponent) = Decimal(shortest.TrimStart('-'));
        string body;
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
            body = string.Create(CultureInfo.InvariantCulture, $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }
        else if (exponent < 0)
        {
            body = $"0.{new string('0', -exponent - 1)}{digits}";
        }
        else
        {
            body = digits.Length > exponent + 1 ? $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}" : $"{digits.PadRight(exponent + 1, '0')}.0";
        }

        return negative ? "-" + body : body;
    }

    // Significant digits and the exponent of the first one.
    private static (string Digits, int Exponent) Decimal(string text)
    {
        var mark = text.IndexOf('E');
        var exponent = mark >= 0 ? int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        var mantissa = mark >= 0 ? text[..mark] : text;
        var point = mantissa.IndexOf('.');
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        exponent += (point >= 0 ? point : mantissa.Length) - 1;
        var leading = digits.Length - digits.TrimStart('0').Length;
        if (leading == digits.Length)
            return ("0", 0);
        digits = digits[leading..].TrimEnd('0');
        return (digits, exponent - leading);
    }
}
