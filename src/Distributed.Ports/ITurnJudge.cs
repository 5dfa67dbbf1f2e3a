namespace Distributed.Ports;

/// <summary>
/// An environment that can say afterwards how well single turns were taken; implemented beside <see cref="IEnvironment"/>. Rewards for ranks and tool
/// calls (`rank-incentive`, `tool-format`) need it. Pure: the same texts always give the same judgements. Safe to use from several threads.
/// </summary>
public interface ITurnJudge
{
    /// <summary>What it can tell.</summary>
    JudgedSignals Judges { get; }

    /// <summary>Judges an episode: one judgement for each turn, in order.</summary>
    /// <param name="problemId">The problem's name (<see cref="Problem.Id"/>).</param>
    /// <param name="turns">What the agent wrote and read.</param>
    IReadOnlyList<TurnJudgement> Judge(string problemId, IReadOnlyList<TurnText> turns);
}

/// <summary>What an <see cref="ITurnJudge"/> can tell.</summary>
[Flags]
public enum JudgedSignals
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><see cref="TurnJudgement.RetrievalRank"/>.</summary>
    RetrievalRank = 1,

    /// <summary><see cref="TurnJudgement.Calls"/>.</summary>
    ToolCalls = 2,
}

/// <summary>A turn as text.</summary>
/// <param name="Action">What the agent wrote.</param>
/// <param name="Observation">What it read then; null after the last turn.</param>
public readonly record struct TurnText(string Action, string? Observation);

/// <summary>How well a turn was taken; what is not known is null.</summary>
/// <param name="RetrievalRank">Place (1 = first) of the first passage of the reply that the agent needed; null if none was, or the turn did not search.</param>
/// <param name="Calls">Its tool calls beside those a right solution makes at this point.</param>
public sealed record TurnJudgement(int? RetrievalRank = null, JudgedCalls? Calls = null);

/// <summary>Tool calls of a turn, and the right ones; none of them where an answer is due.</summary>
/// <param name="WellFormed">The turn follows the format.</param>
/// <param name="Made">What it called.</param>
/// <param name="Expected">What a right solution calls.</param>
public sealed record JudgedCalls(bool WellFormed, IReadOnlyList<NamedCall> Made, IReadOnlyList<NamedCall> Expected);

/// <summary>A call of a tool with its arguments by name.</summary>
public sealed record NamedCall(string Tool, IReadOnlyDictionary<string, string> Arguments);
