using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Distributed.Engine.Tokenizers;

/// <summary>
/// Cuts text into the pieces that byte-pair merges never cross, as the regular expressions below do. Written by hand because
/// the platform's expressions see UTF-16 units, so that letters and digits outside the basic plane would not count as such.
/// </summary>
/// <param name="longestDigitRun">Most digits of one piece: 1 (Qwen) or 3 (Llama 3).</param>
internal sealed class PieceScanner(int longestDigitRun) : PieceCutter
{
    /// <summary>The pattern of Qwen2 and Qwen3.</summary>
    public const string SingleDigitPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The pattern of Llama 3.</summary>
    public const string TripleDigitPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private enum Kind : byte
    {
        Other,
        Letter,
        Number,
        Space,
    }

    private static readonly Kind[] Ascii = [.. Enumerable.Range(0, 128).Select(value => Classify(new Rune(value)))];

    /// <inheritdoc/>
    public override int Next(ReadOnlySpan<char> text)
    {
        var kind = KindAt(text, 0, out var first);
        if (text[0] == '\'' && Contraction(text) is var contraction and > 0)
        {
            return contraction;
        }

        if (kind == Kind.Letter)
        {
            return Run(text, first, Kind.Letter);
        }

        if (kind != Kind.Number && text[0] is not ('\r' or '\n') && first < text.Length && KindAt(text, first, out var second) == Kind.Letter)
        {
            return Run(text, first + second, Kind.Letter);
        }

        return kind switch
        {
            Kind.Number => Digits(text, first),
            Kind.Other => Symbols(text, first),
            _ when text[0] == ' ' && text.Length > 1 && KindAt(text, 1, out var taken) == Kind.Other => Symbols(text, 1 + taken),
            _ => Spaces(text, first),
        };
    }

    /// <summary>An apostrophe and what English hangs onto it, in either case; U+017F is a lower-case s to a regular expression.</summary>
    private static int Contraction(ReadOnlySpan<char> text)
    {
        var first = text.Length > 1 ? text[1] | 0x20 : 0;
        if (first is 's' or 't' or 'm' or 'd' || text.Length > 1 && text[1] == '\u017f')
        {
            return 2;
        }

        var second = text.Length > 2 ? text[2] | 0x20 : 0;
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    private static int Run(ReadOnlySpan<char> text, int end, Kind kind)
    {
        while (end < text.Length && KindAt(text, end, out var taken) == kind)
        {
            end += taken;
        }

        return end;
    }

    private int Digits(ReadOnlySpan<char> text, int end)
    {
        for (var count = 1; count < longestDigitRun && end < text.Length && KindAt(text, end, out var taken) == Kind.Number; count++)
        {
            end += taken;
        }

        return end;
    }

    private static int Symbols(ReadOnlySpan<char> text, int end)
    {
        end = Run(text, end, Kind.Other);
        while (end < text.Length && text[end] is '\r' or '\n')
        {
            end++;
        }

        return end;
    }

    /// <summary>White space: up to its last line break if it has one; else all of it but the last before other text, which that takes along.</summary>
    private static int Spaces(ReadOnlySpan<char> text, int end)
    {
        end = Run(text, end, Kind.Space);
        var lineBreak = text[..end].LastIndexOfAny('\r', '\n');
        return lineBreak >= 0 ? lineBreak + 1
            : end == text.Length || end == 1 ? end
            : end - 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Kind KindAt(ReadOnlySpan<char> text, int index, out int length)
    {
        var character = text[index];
        if (character < 128)
        {
            length = 1;
            return Ascii[character];
        }

        Rune.DecodeFromUtf16(text[index..], out var rune, out length);
        return Classify(rune);
    }

    private static Kind Classify(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
        _ => Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other,
    };
}
