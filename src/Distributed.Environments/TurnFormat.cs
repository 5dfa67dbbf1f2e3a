using System.Collections.Immutable;

namespace Distributed.Environments;

/// <summary>What an agent's turn says.</summary>
public abstract record AgentTurn
{
    private AgentTurn() { }

    /// <summary>Asks the search tool.</summary>
    /// <param name="Query">What for; trimmed, never empty.</param>
    public sealed record Search(string Query) : AgentTurn;

    /// <summary>Runs a program.</summary>
    /// <param name="Program">Its text; trimmed, never empty.</param>
    public sealed record Code(string Program) : AgentTurn;

    /// <summary>Answers the question.</summary>
    /// <param name="Text">The answer; trimmed, never empty.</param>
    public sealed record Answer(string Text) : AgentTurn;

    /// <summary>Does not follow the format.</summary>
    /// <param name="Reason">In a few words, why not.</param>
    public sealed record Malformed(string Reason) : AgentTurn;
}

/// <summary>
/// The text format of search agents (Search-R1 2503.09516, A2TGPO 2605.06200): an optional <c>&lt;think&gt;..&lt;/think&gt;</c>, then exactly one
/// <c>&lt;search&gt;..&lt;/search&gt;</c> or <c>&lt;answer&gt;..&lt;/answer&gt;</c>, and nothing else but white space. No tag may stand inside another.
/// </summary>
public static class TurnFormat
{
    /// <summary>Opens what the agent writes for itself.</summary>
    public const string ThinkOpen = "<think>", ThinkClose = "</think>";

    /// <summary>Opens a query.</summary>
    public const string SearchOpen = "<search>", SearchClose = "</search>";

    /// <summary>Opens the tool's reply; an agent never writes it.</summary>
    public const string ResultOpen = "<result>", ResultClose = "</result>";

    /// <summary>Opens the final answer.</summary>
    public const string AnswerOpen = "<answer>", AnswerClose = "</answer>";

    /// <summary>A turn ends with one of these.</summary>
    public static ImmutableArray<string> StopStrings { get; } = [SearchClose, AnswerClose];

    private static readonly ToolTag search = new(SearchOpen, SearchClose, static text => new AgentTurn.Search(text));

    /// <summary>Reads a turn. Pure; never throws.</summary>
    public static AgentTurn Parse(ReadOnlySpan<char> turn) => Parse(turn, search);

    /// <summary>Reads a turn whose tool is called with another tag. Pure; never throws.</summary>
    internal static AgentTurn Parse(ReadOnlySpan<char> turn, ToolTag tool)
    {
        var rest = turn.Trim();
        if (rest.IsEmpty)
            return new AgentTurn.Malformed("the turn is empty");
        if (rest.StartsWith(ThinkOpen))
        {
            if (TakeBlock(ref rest, ThinkOpen, ThinkClose, out var thought) is { } reason)
                return new AgentTurn.Malformed(reason);
            if (tool.FirstIn(thought) is { } inside)
                return new AgentTurn.Malformed($"{inside} inside {ThinkOpen}");
            rest = rest.TrimStart();
            if (rest.IsEmpty)
                return new AgentTurn.Malformed($"neither {tool.Open} nor {AnswerOpen} after {ThinkClose}");
        }

        return rest.StartsWith(tool.Open) ? Action(rest, tool, tool.Open, tool.Close, tool.Call)
            : rest.StartsWith(AnswerOpen) ? Action(rest, tool, AnswerOpen, AnswerClose, static text => new AgentTurn.Answer(text))
            : new AgentTurn.Malformed($"neither {tool.Open} nor {AnswerOpen} where an action begins");
    }

    private static AgentTurn Action(ReadOnlySpan<char> rest, ToolTag tool, string open, string close, Func<string, AgentTurn> make)
    {
        if (TakeBlock(ref rest, open, close, out var content) is { } reason)
            return new AgentTurn.Malformed(reason);
        if (tool.FirstIn(content) is { } inside)
            return new AgentTurn.Malformed($"{inside} inside {open}");
        content = content.Trim();
        return content.IsEmpty ? new AgentTurn.Malformed($"{open} is empty")
            : !rest.Trim().IsEmpty ? new AgentTurn.Malformed($"text after {close}")
            : make(content.ToString());
    }

    // Splits <open>content<close> off the front; the reason if it is not closed.
    private static string? TakeBlock(ref ReadOnlySpan<char> rest, string open, string close, out ReadOnlySpan<char> content)
    {
        rest = rest[open.Length..];
        var end = rest.IndexOf(close);
        if (end < 0)
        {
            content = default;
            return $"{open} is not closed";
        }

        content = rest[..end];
        rest = rest[(end + close.Length)..];
        return null;
    }
}

/// <summary>The tag an agent calls its tool with.</summary>
/// <param name="Open">Opens the call.</param>
/// <param name="Close">Closes it.</param>
/// <param name="Call">Makes the turn of what stands between.</param>
internal sealed record ToolTag(string Open, string Close, Func<string, AgentTurn> Call)
{
    private readonly ImmutableArray<string> tags =
    [
        TurnFormat.ThinkOpen, TurnFormat.ThinkClose, Open, Close, TurnFormat.ResultOpen, TurnFormat.ResultClose, TurnFormat.AnswerOpen, TurnFormat.AnswerClose,
    ];

    /// <summary>A tag of the format that stands in a text, or null.</summary>
    public string? FirstIn(ReadOnlySpan<char> text)
    {
        if (!text.Contains('<'))
            return null;
        foreach (var tag in tags)
        {
            if (text.Contains(tag, StringComparison.Ordinal))
                return tag;
        }

        return null;
    }
}
