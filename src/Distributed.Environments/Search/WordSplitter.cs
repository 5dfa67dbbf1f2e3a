using System.Globalization;
using System.Text;

namespace Distributed.Environments.Search;

/// <summary>
/// Splits text into lower-case words: runs of letters, digits and combining marks of any script. Scripts that write no spaces
/// (Chinese, Japanese, Thai) give one word a character. A mutable value over a text it does not own.
/// </summary>
public ref struct WordSplitter
{
    /// <summary>Longer words are cut off here.</summary>
    public const int LongestWord = 64;

    private readonly ReadOnlySpan<char> text;
    private readonly Span<char> buffer;
    private int at;

    /// <summary>Over a text, with room for one word.</summary>
    /// <param name="text">What to split.</param>
    /// <param name="buffer">At least <see cref="LongestWord"/> characters; holds the current word.</param>
    public WordSplitter(ReadOnlySpan<char> text, Span<char> buffer)
    {
        if (buffer.Length < LongestWord)
            throw new ArgumentException($"needs {LongestWord} characters", nameof(buffer));
        this.text = text;
        this.buffer = buffer;
    }

    /// <summary>The next word, valid until the next call; empty at the end.</summary>
    public ReadOnlySpan<char> Next()
    {
        var length = 0;
        while (at < text.Length)
        {
            var c = text[at];
            if (char.IsAscii(c))
            {
                if (!char.IsAsciiLetterOrDigit(c))
                {
                    at++;
                    if (length > 0)
                        return buffer[..length];
                    continue;
                }

                at++;
                if (length < LongestWord)
                    buffer[length++] = c is >= 'A' and <= 'Z' ? (char)(c | 0x20) : c;
                continue;
            }

            Rune.DecodeFromUtf16(text[at..], out var rune, out var width);
            if (!IsWordPart(rune))
            {
                at += width;
                if (length > 0)
                    return buffer[..length];
                continue;
            }

            if (StandsAlone(rune))
            {
                if (length > 0)
                    return buffer[..length];
                at += width;
                return buffer[..rune.EncodeToUtf16(buffer)];
            }

            at += width;
            if (length + 2 <= LongestWord)
                length += Rune.ToLowerInvariant(rune).EncodeToUtf16(buffer[length..]);
        }

        return buffer[..length];
    }

    private static bool IsWordPart(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.LetterNumber;

    private static bool StandsAlone(Rune rune) => rune.Value
        is (>= 0x0E00 and <= 0x0E7F)      // Thai
        or (>= 0x3040 and <= 0x30FF)      // Hiragana, Katakana
        or (>= 0x3400 and <= 0x9FFF)      // CJK ideographs
        or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x20000 and <= 0x3FFFF);
}
