using System.Collections.Immutable;
using System.Globalization;

namespace Distributed.Environments.Arithmetic;

/// <summary>
/// Every word the arithmetic world writes, in the order of token ids: special tokens and tags, digits, signs of programs, words, then spares up
/// to a multiple of 32. A digit is a token, so numbers are composed.
/// </summary>
public static class ArithmeticVocabulary
{
    /// <summary>Padding, beginning, end and unknown: ids 0 to 3.</summary>
    public const string Pad = SearchVocabulary.Pad, Begin = SearchVocabulary.Begin, End = SearchVocabulary.End, Unknown = SearchVocabulary.Unknown;

    /// <summary>Special tokens and tags; they come first in <see cref="Words"/>.</summary>
    public static ImmutableArray<string> Specials { get; } =
    [
        Pad, Begin, End, Unknown, ProblemWords.Open, ProblemWords.Close, TurnFormat.ThinkOpen, TurnFormat.ThinkClose, CodeFormat.CodeOpen,
        CodeFormat.CodeClose, TurnFormat.ResultOpen, TurnFormat.ResultClose, TurnFormat.AnswerOpen, TurnFormat.AnswerClose,
    ];

    /// <summary>All words, distinct; a word's place is its token id.</summary>
    public static ImmutableArray<string> Words { get; } = Make();

    private static ImmutableArray<string> Make()
    {
        List<string> words =
        [
            .. Specials,
            .. Enumerable.Range(0, 10).Select(digit => digit.ToString(CultureInfo.InvariantCulture)),
            "+", "-", "*", "//", "%", "(", ")", "=", ";", "x", "y", "z", "print",
            .. ProblemWords.Others, .. Operation.Words, .. ProblemWords.Things, .. ProblemWords.People,
        ];
        words = [.. words.Distinct()];
        for (var spare = 0; spare == 0 || words.Count % 32 != 0; spare++)
            words.Add(string.Create(CultureInfo.InvariantCulture, $"<spare{spare}>"));
        return [.. words];
    }
}
