namespace Distributed.Credit;

/// <summary>What is known about one turn beside its reward. Every member may be left out.</summary>
public sealed record TurnSignals
{
    /// <summary>No signals.</summary>
    public static TurnSignals None { get; } = new();

    /// <summary>What the agent saw when the turn began; turns of a prompt's rollouts with equal anchors are compared by
    /// <c>gigpo</c>.</summary>
    public string? Anchor { get; init; }

    /// <summary>The turn broke the text format.</summary>
    public bool Malformed { get; init; }

    /// <summary>The turn called a tool.</summary>
    public bool CalledTool { get; init; }

    /// <summary>Program text the turn wrote.</summary>
    public string? Code { get; init; }

    /// <summary>Place (1 = first) of the first relevant passage in the turn's search result; null if none was relevant or the turn did not
    /// search.</summary>
    public int? RetrievalRank { get; init; }

    /// <summary>How well the turn's tool calls match the expected ones.</summary>
    public ToolCallMatch? ToolCalls { get; init; }

    /// <summary>Reward of the turn by a learned process reward model, the final turn's too; read by <c>istar</c>. Null or not finite: none.</summary>
    public double? ProcessReward { get; init; }
}

/// <summary>The tool calls of a turn beside the expected ones (ToolRL, 2504.13958, section 3.3).</summary>
/// <param name="WellFormed">Every field the format asks for is there, in order.</param>
/// <param name="Predicted">Calls the turn made.</param>
/// <param name="Expected">Calls the reference makes.</param>
public sealed record ToolCallMatch(bool WellFormed, IReadOnlyList<ToolCall> Predicted, IReadOnlyList<ToolCall> Expected);

/// <summary>One tool call.</summary>
/// <param name="Tool">The tool's name.</param>
/// <param name="Arguments">Its arguments by name.</param>
public sealed record ToolCall(string Tool, IReadOnlyDictionary<string, string> Arguments);
