using System.Globalization;
using System.Text;

namespace Distributed.Engine.Tokenizers;

/// <summary>How a WordLevel tokenizer cuts text into words.</summary>
public enum WordSplit
{
    /// <summary>At white space, which is dropped (pre-tokenizer WhitespaceSplit).</summary>
    Whitespace,

    /// <summary>Into runs of word characters and runs of other characters, white space dropped (pre-tokenizer Whitespace: <c>\w+|[^\w\s]+</c>).</summary>
    WordsAndPunctuation,
}

/// <summary>Cuts words off a text.</summary>
internal static class WordScanner
{
    private enum Kind
    {
        Space,
        Word,
        Other,
    }

    /// <summary>Finds the next word at or after <paramref name="start"/>.</summary>
    /// <returns>False if there is none.</returns>
    public static bool TryNext(ReadOnlySpan<char> text, WordSplit split, ref int start, out int end)
    {
        end = start;
        while (end < text.Length)
        {
            var kind = Classify(text[end..], split, out var taken);
            end += taken;
            if (kind == Kind.Space)
            {
                start = end;
                continue;
            }

            while (end < text.Length && Classify(text[end..], split, out taken) == kind)
            {
                end += taken;
            }

            return true;
        }

        return false;
    }

    private static Kind Classify(ReadOnlySpan<char> text, WordSplit split, out int taken)
    {
        Rune.DecodeFromUtf16(text, out var rune, out taken);
        return Rune.IsWhiteSpace(rune) ? Kind.Space
            : split == WordSplit.Whitespace || !IsWordCharacter(rune) ? Kind.Other
            : Kind.Word;
    }

    /// <summary>The regular expression class \w of Unicode Technical Standard 18: alphabetic, mark, decimal digit, connector, joiner.</summary>
    private static bool IsWordCharacter(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter => true,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber => true,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => true,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.Format => rune.Value is 0x200C or 0x200D,
        // Circled and squared letters are symbols that count as alphabetic.
        UnicodeCategory.OtherSymbol => rune.Value is >= 0x24B6 and <= 0x24E9 or >= 0x1F130 and <= 0x1F149 or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189,
        _ => false,
    };
}
