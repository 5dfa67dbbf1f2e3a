using MessagePack;

namespace Distributed.Protocol;

/// <summary>An episode as it happened: what the policy sampled, under which weights, and what the environment answered. Arrays are never changed.</summary>
[MessagePackObject]
public sealed record Trajectory(
    [property: Key(0)] Slot Slot,
    [property: Key(1)] string ProblemId,
    [property: Key(2)] string Category,
    [property: Key(3)] string[] GoldenAnswers,
    [property: Key(4)] int[] PromptTokens,
    [property: Key(5)] TurnRecord[] Turns,
    [property: Key(6)] EpisodeEnd End,
    [property: Key(7)] double Reward)
{
    /// <summary>Tokens of the whole episode, prompt included.</summary>
    [IgnoreMember]
    public int TokenCount => PromptTokens.Length + Turns.Sum(turn => turn.Tokens.Length + turn.ObservationTokens.Length);

    /// <summary>Version of the oldest weights that sampled any of it.</summary>
    [IgnoreMember]
    public PolicyVersion OldestVersion => new(Turns.Length == 0 ? long.MaxValue : Turns.Min(turn => turn.Version.Value));
}

/// <summary>One turn: sampled tokens with their log-probabilities (nats, under the sampling distribution), then the observation. The final turn has no observation.</summary>
[MessagePackObject]
public sealed record TurnRecord(
    [property: Key(0)] int[] Tokens,
    [property: Key(1)] float[] LogProbs,
    [property: Key(2)] PolicyVersion Version,
    [property: Key(3)] int[] ObservationTokens,
    [property: Key(4)] bool ToolError);

/// <summary>How an episode ended.</summary>
public enum EpisodeEnd
{
    /// <summary>A right answer.</summary>
    Correct = 0,

    /// <summary>A well-formed answer that is not right.</summary>
    Wrong = 1,

    /// <summary>A turn that broke the format.</summary>
    Malformed = 2,

    /// <summary>No answer within the turn budget.</summary>
    TurnsExhausted = 3,

    /// <summary>A turn or the context ran out of tokens.</summary>
    Truncated = 4,
}

/// <summary>
/// Mean log-probability of the wrapped golden answers after every turn boundary:
/// <paramref name="AnswerLogProbs"/>[b][k] is that of alias k after b tool turns (b = 0: the prompt alone), nats per answer token.
/// </summary>
[MessagePackObject]
public sealed record TurnScores(
    [property: Key(0)] double[][] AnswerLogProbs,
    [property: Key(1)] PolicyVersion ScoredBy);
