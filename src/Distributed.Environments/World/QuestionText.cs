using System.Text;

namespace Distributed.Environments.World;

/// <summary>Questions as text. Words are parted by single spaces, so that a word-level tokenizer makes one token of each.</summary>
public static class QuestionText
{
    /// <summary>Fills a field that has no relation.</summary>
    public const string None = "none";

    /// <summary>Begins and ends a prompt.</summary>
    public const string Begin = "<s>", Open = "<question>", Close = "</question>";

    /// <summary>The words of sentences, for the vocabulary.</summary>
    public static IReadOnlyList<string> SentenceWords { get; } =
        ["what", "is", "the", "of", "?", "starting", "from", "find", "its", ",", "then", ".", "name", "look", "up", "follow", "and", "answer", ":"];

    /// <summary>Fixed width: the entity's two words, then one word a field, <c>none</c> where there is no relation.</summary>
    public static string Fixed(ChainQuestion question, int fields)
    {
        var text = new StringBuilder(Begin).Append(' ').Append(Open).Append(' ').Append(EntityNames.Text(question.Entity));
        for (var i = 0; i < fields; i++)
            text.Append(' ').Append(i < question.Relations.Length ? Word(question, i) : None);
        return text.Append(' ').Append(Close).ToString();
    }

    /// <summary>One of six sentences; some name the relations in the order to follow, some the other way round.</summary>
    public static string Varied(ChainQuestion question)
    {
        var entity = EntityNames.Text(question.Entity);
        var inOrder = Enumerable.Range(0, question.Relations.Length).Select(i => Word(question, i)).ToArray();
        var nested = inOrder.Reverse();
        var sentence = StableHash.Below(question.Shape, 6) switch
        {
            0 => $"what is the {string.Join(" of the ", nested)} of {entity} ?",
            1 => $"name the {string.Join(" of the ", nested)} of {entity} .",
            2 => $"starting from {entity} , find its {string.Join(" , then ", inOrder)} .",
            3 => $"{entity} : {string.Join(" , ", inOrder)} ?",
            4 => $"look up the {string.Join(" , follow the ", inOrder.Take(1).Select(first => $"{first} of {entity}").Concat(inOrder.Skip(1)))} .",
            _ => $"from {entity} follow {string.Join(" then ", inOrder)} and answer .",
        };
        return $"{Begin} {Open} {sentence} {Close}";
    }

    private static string Word(ChainQuestion question, int i) => Relation.All[question.Relations[i]].Wording(question.Wordings[i]);
}
