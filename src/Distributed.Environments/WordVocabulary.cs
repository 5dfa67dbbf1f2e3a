using System.Collections.Immutable;

using Distributed.Environments.Arithmetic;

namespace Distributed.Environments;

/// <summary>The words a generated environment writes, for a word-level tokenizer that is made for it.</summary>
/// <param name="Words">All words, distinct; a word's place is its token id.</param>
/// <param name="Specials">Those matched anywhere in a text; the first words.</param>
/// <param name="Begin">Begins a text.</param>
/// <param name="End">Ends one.</param>
/// <param name="Pad">Fills rows up.</param>
/// <param name="Unknown">Stands for every other word.</param>
public sealed record WordVocabulary(ImmutableArray<string> Words, ImmutableArray<string> Specials, string Begin, string End, string Pad, string Unknown)
{
    /// <summary>The vocabulary of a built-in environment, or null if it has texts of one's own.</summary>
    public static WordVocabulary? Of(string environment) => environment switch
    {
        EnvironmentLoader.SearchWorld => new(
            SearchVocabulary.Words, SearchVocabulary.Specials, SearchVocabulary.Begin, SearchVocabulary.End, SearchVocabulary.Pad, SearchVocabulary.Unknown),
        EnvironmentLoader.Arithmetic => new(
            ArithmeticVocabulary.Words, ArithmeticVocabulary.Specials, ArithmeticVocabulary.Begin, ArithmeticVocabulary.End, ArithmeticVocabulary.Pad,
            ArithmeticVocabulary.Unknown),
        _ => null,
    };
}
