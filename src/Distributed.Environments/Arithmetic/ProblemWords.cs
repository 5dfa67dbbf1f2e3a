using System.Collections.Immutable;

using Distributed.Environments.World;

namespace Distributed.Environments.Arithmetic;

/// <summary>The names and things of word problems, and the words around them. Text is parted by single spaces, one token a word.</summary>
public static class ProblemWords
{
    /// <summary>Begins and ends a problem.</summary>
    public const string Open = QuestionText.Open, Close = QuestionText.Close;

    /// <summary>Who: 64 names.</summary>
    public static ImmutableArray<string> People { get; } = [.. NameWords.First.Where((_, place) => place % 2 == 0)];

    /// <summary>What: 32 things.</summary>
    public static ImmutableArray<string> Things { get; } =
    [
        "beads", "shells", "coins", "stamps", "marbles", "buttons", "seeds", "tiles", "pearls", "nails", "cards", "ribbons", "bricks", "candles",
        "pebbles", "acorns", "apples", "pears", "plums", "cherries", "walnuts", "tickets", "pencils", "needles", "screws", "feathers", "corks",
        "bulbs", "badges", "tokens", "lanterns", "whistles",
    ];

    /// <summary>The other words of problems and replies, operations apart.</summary>
    public static ImmutableArray<string> Others { get; } =
    [
        "has", "how", "many", ".", "?", "error", "no", "reply", "value", "syntax", "division", "by", "zero", "too", "large", "long", "deep",
        "unknown", "name", "names", "time", "memory", "output",
    ];
}
