using System.Globalization;
using System.Text;

namespace Distributed.Engine.Tokenizers;

/// <summary>A text in Unicode normalization form C that knows where its characters came from.</summary>
internal sealed class ComposedText
{
    /// <summary>Characters below this are never changed by, nor combine under, form C.</summary>
    private const char FirstCombining = '\u0300';

    private readonly (int Start, int End)[] _origins;

    private ComposedText(string text, (int Start, int End)[] origins)
    {
        Text = text;
        _origins = origins;
    }

    /// <summary>The composed text.</summary>
    public string Text { get; }

    /// <summary>True if the text is surely composed already.</summary>
    public static bool IsComposed(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyExceptInRange('\0', (char)(FirstCombining - 1)))
        {
            return true;
        }

        return !text.ContainsAnyInRange('\ud800', '\udfff') && !text.ContainsAnyInRange('\ufffe', '\uffff') && text.IsNormalized(NormalizationForm.FormC);
    }

    /// <summary>The range of the original text that a character of <see cref="Text"/> came from.</summary>
    public (int Start, int End) Original(int index) => _origins[index];

    /// <summary>Composes a text: cut where nothing can combine across, each piece on its own.</summary>
    public static ComposedText Of(ReadOnlySpan<char> text)
    {
        var composed = new StringBuilder(text.Length);
        var origins = new List<(int, int)>(text.Length);
        for (var start = 0; start < text.Length;)
        {
            var length = ClusterLength(text[start..]);
            var cluster = text.Slice(start, length);
            if (cluster.Length == 1 && cluster[0] < FirstCombining || HoldsNoncharacter(cluster) || cluster.IsNormalized(NormalizationForm.FormC))
            {
                composed.Append(cluster);
                for (var i = 0; i < length; i++)
                {
                    origins.Add((start + i, start + i + 1));
                }
            }
            else
            {
                var changed = cluster.ToString().Normalize(NormalizationForm.FormC);
                composed.Append(changed);
                origins.AddRange(Enumerable.Repeat((start, start + length), changed.Length));
            }

            start += length;
        }

        return new ComposedText(composed.ToString(), [.. origins]);
    }

    /// <summary>Length of the first cluster: a rune and everything after it that might combine with it.</summary>
    private static int ClusterLength(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out var first, out var length);
        if (!CanBeNormalized(first, text[..length]))
        {
            return length;
        }

        while (length < text.Length)
        {
            Rune.DecodeFromUtf16(text[length..], out var rune, out var taken);
            if (!CanBeNormalized(rune, text.Slice(length, taken)) || !MayCombineWithWhatIsBefore(rune))
            {
                break;
            }

            length += taken;
        }

        return length;
    }

    private static bool MayCombineWithWhatIsBefore(Rune rune) =>
        rune.Value >= FirstCombining
        && (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            // Hangul vowels and finals, and the Kirat Rai vowel signs, are letters that compose with what is before them.
            || rune.Value is >= 0x1160 and <= 0x11FF or >= 0xD7B0 and <= 0xD7FF or >= 0x16D63 and <= 0x16D6A);

    // The platform refuses to normalize text with these; they stand as they are.
    private static bool CanBeNormalized(Rune rune, ReadOnlySpan<char> source) =>
        (rune.Value & 0xFFFE) != 0xFFFE && !(source.Length == 1 && char.IsSurrogate(source[0]));

    private static bool HoldsNoncharacter(ReadOnlySpan<char> cluster)
    {
        Rune.DecodeFromUtf16(cluster, out var first, out var length);
        return !CanBeNormalized(first, cluster[..length]);
    }
}
