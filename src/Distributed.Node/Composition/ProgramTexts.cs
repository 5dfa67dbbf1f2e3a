using Distributed.Environments;

namespace Distributed.Node.Composition;

/// <summary>The program a turn wrote.</summary>
internal static class ProgramTexts
{
    /// <summary>Of a turn's text; null if it is no program.</summary>
    public static string? Of(string turn) => CodeFormat.ProgramOf(turn);
}
