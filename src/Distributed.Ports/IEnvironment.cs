using System.Collections.Immutable;

namespace Distributed.Ports;

/// <summary>
/// A world of problems that an agent solves in turns of text. Implementations are safe to use from several threads and
/// deterministic: the same split and index always give the same problem, the same actions the same replies.
/// </summary>
public interface IEnvironment
{
    /// <summary>The agent's text format and limits.</summary>
    EnvironmentFormat Format { get; }

    /// <summary>How many problems a split has; <see cref="long.MaxValue"/> if they are generated without end.</summary>
    long Count(Split split);

    /// <summary>A problem; indices past <see cref="Count"/> are the caller's mistake and throw <see cref="ArgumentOutOfRangeException"/>.</summary>
    Problem GetProblem(Split split, long index);

    /// <summary>Begins an episode on a problem.</summary>
    IEpisode Start(Problem problem);
}

/// <summary>Which problems: to learn from, or kept apart.</summary>
public enum Split
{
    /// <summary>Problems to learn from.</summary>
    Train,

    /// <summary>Problems never learnt from.</summary>
    HeldOut,
}

/// <summary>A question with its accepted answers.</summary>
/// <param name="Id">Unique within the environment.</param>
/// <param name="Prompt">The text the agent starts from.</param>
/// <param name="GoldenAnswers">Accepted answers; the first is the canonical one. May be empty (then no information gain is computed).</param>
/// <param name="Category">A label evaluations are broken down by, for example "2 look-ups".</param>
public sealed record Problem(string Id, string Prompt, ImmutableArray<string> GoldenAnswers, string Category);

/// <summary>The agent's text format and limits.</summary>
/// <param name="StopStrings">A turn ends when its text ends with one of these.</param>
/// <param name="AnswerPrefix">What the policy would write before a final answer; put before it when its likelihood is measured.</param>
/// <param name="AnswerSuffix">What closes a final answer.</param>
/// <param name="MaxTurns">Most turns of an episode, the final answer's included.</param>
/// <param name="MaxTurnTokens">Most sampled tokens of one turn.</param>
/// <param name="ToolTimeLimit">Longest a step may take; afterwards the agent reads <paramref name="ToolTimeoutReply"/>.</param>
/// <param name="ToolTimeoutReply">The observation of a step that took too long or failed.</param>
/// <param name="Rewards">Reward of every way an episode can end without the environment judging an answer.</param>
public sealed record EnvironmentFormat(
    ImmutableArray<string> StopStrings,
    string AnswerPrefix,
    string AnswerSuffix,
    int MaxTurns,
    int MaxTurnTokens,
    TimeSpan ToolTimeLimit,
    string ToolTimeoutReply,
    OutcomeRewards Rewards);

/// <summary>Rewards of the ways to end without a judged answer.</summary>
/// <param name="Malformed">A turn that does not follow the format.</param>
/// <param name="TurnsExhausted">The turn budget ended without an answer.</param>
/// <param name="Truncated">A turn or the whole context ran out of tokens.</param>
public sealed record OutcomeRewards(double Malformed = -1, double TurnsExhausted = -1, double Truncated = -1);

/// <summary>One episode under way. Used by one caller at a time; disposed when the episode ends, however it ends.</summary>
public interface IEpisode : IDisposable
{
    /// <summary>Takes the agent's turn and answers with an observation or the end. May throw or hang: the caller guards it.</summary>
    /// <param name="action">The text of the agent's turn, its stop string included.</param>
    /// <param name="cancel">Signalled when the time limit has passed.</param>
    StepResult Step(string action, CancellationToken cancel);
}

/// <summary>What a step led to.</summary>
public abstract record StepResult
{
    private StepResult() { }

    /// <summary>The episode goes on; the text is appended to the agent's context and never trained on.</summary>
    /// <param name="Text">The tool's reply.</param>
    /// <param name="ToolError">The tool failed or found nothing sensible to do; counted in the metric tool_errors.</param>
    public sealed record Observation(string Text, bool ToolError = false) : StepResult;

    /// <summary>The episode is over.</summary>
    /// <param name="Outcome">How it ended.</param>
    /// <param name="Reward">The outcome reward.</param>
    public sealed record Finished(Outcome Outcome, double Reward) : StepResult;
}

/// <summary>How an episode ended.</summary>
public enum Outcome
{
    /// <summary>A right answer (exact match, or full score).</summary>
    Correct,

    /// <summary>A well-formed answer that is not right.</summary>
    Wrong,

    /// <summary>A turn that does not follow the format.</summary>
    Malformed,

    /// <summary>No answer within the turn budget.</summary>
    TurnsExhausted,

    /// <summary>A turn or the context ran out of tokens.</summary>
    Truncated,
}

/// <summary>Demonstrations for a supervised warm start.</summary>
public interface IDemonstrator
{
    /// <summary>Names of the kinds of demonstrations there are.</summary>
    IReadOnlyList<string> Kinds { get; }

    /// <summary>A demonstration; the same kind and index always give the same one.</summary>
    Demonstration GetDemonstration(string kind, long index);
}

/// <summary>A text in pieces, some of which are trained on.</summary>
public sealed record Demonstration(ImmutableArray<DemonstrationPiece> Pieces);

/// <summary>A piece of a demonstration; <paramref name="Trained"/> if its tokens count in the loss.</summary>
public readonly record struct DemonstrationPiece(string Text, bool Trained);
