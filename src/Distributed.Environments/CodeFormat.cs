using System.Collections.Immutable;

using Distributed.Environments.Arithmetic;

namespace Distributed.Environments;

/// <summary>
/// The text format of agents that write programs: an optional <c>&lt;think&gt;..&lt;/think&gt;</c>, then exactly one <c>&lt;code&gt;..&lt;/code&gt;</c> or
/// <c>&lt;answer&gt;..&lt;/answer&gt;</c>, as <see cref="TurnFormat"/> has it for searches.
/// </summary>
public static class CodeFormat
{
    /// <summary>Opens a program.</summary>
    public const string CodeOpen = "<code>", CodeClose = "</code>";

    /// <summary>What the agent reads when its program could not be run at all.</summary>
    public const string NoReply = TurnFormat.ResultOpen + " no reply " + TurnFormat.ResultClose;

    private static readonly ToolTag code = new(CodeOpen, CodeClose, static text => new AgentTurn.Code(text));

    /// <summary>A turn ends with one of these.</summary>
    public static ImmutableArray<string> StopStrings { get; } = [CodeClose, TurnFormat.AnswerClose];

    /// <summary>Reads a turn. Pure; never throws.</summary>
    public static AgentTurn Parse(ReadOnlySpan<char> turn) => TurnFormat.Parse(turn, code);

    /// <summary>The program of a turn, digits written apart put together; null if it has none.</summary>
    public static string? ProgramOf(ReadOnlySpan<char> turn) => Parse(turn) is AgentTurn.Code { Program: var program } ? DigitNotation.Join(program) : null;
}
