using System.Collections.Immutable;
using System.Globalization;

using Distributed.Environments.World;

namespace Distributed.Environments;

/// <summary>
/// Every word the search world writes, in the order of token ids: special tokens and tags, then field words, relations, names and the
/// words of sentences, then spares up to a multiple of 32. One vocabulary serves all levels, so a policy can go from one to the next.
/// </summary>
public static class SearchVocabulary
{
    /// <summary>Padding, beginning, end and unknown: ids 0 to 3.</summary>
    public const string Pad = "<pad>", Begin = QuestionText.Begin, End = "</s>", Unknown = "<unk>";

    /// <summary>Special tokens and tags; they come first in <see cref="Words"/>.</summary>
    public static ImmutableArray<string> Specials { get; } =
    [
        Pad, Begin, End, Unknown, QuestionText.Open, QuestionText.Close, TurnFormat.ThinkOpen, TurnFormat.ThinkClose, TurnFormat.SearchOpen,
        TurnFormat.SearchClose, TurnFormat.ResultOpen, TurnFormat.ResultClose, TurnFormat.AnswerOpen, TurnFormat.AnswerClose,
    ];

    /// <summary>All words, distinct; a word's place is its token id.</summary>
    public static ImmutableArray<string> Words { get; } = Make();

    private static ImmutableArray<string> Make()
    {
        List<string> words =
        [
            .. Specials, QuestionText.None, "nothing", "found", "no", "reply",
            .. Relation.All.Select(relation => relation.Word), .. Relation.All.Select(relation => relation.OtherWord),
            .. NameWords.First, .. NameWords.Second, .. QuestionText.SentenceWords,
        ];
        for (var spare = 0; spare == 0 || words.Count % 32 != 0; spare++)
            words.Add(string.Create(CultureInfo.InvariantCulture, $"<spare{spare}>"));
        return [.. words];
    }
}
