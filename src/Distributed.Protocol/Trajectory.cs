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
    public PolicyVersion OldestVersion => new(Turns.Length == 0 ? long.MaxValue : Turns.Min(turn => turn.OldestVersion.Value));
}

/// <summary>One turn: sampled tokens with their log-probabilities, then the observation. The final turn has no observation.</summary>
/// <param name="Tokens">The sampled tokens.</param>
/// <param name="LogProbs">Their log-probabilities under the distribution they were drawn from, temperature and filters applied; nats.</param>
/// <param name="Version">The weights that sampled the last token, and all of them unless <paramref name="SampledBy"/> says otherwise.</param>
/// <param name="ObservationTokens">What the environment answered.</param>
/// <param name="ToolError">Whether that is an error.</param>
/// <param name="ModelLogProbs">Their log-probabilities under the full softmax at temperature 1; null where those are <paramref name="LogProbs"/> too.</param>
/// <param name="SampledBy">Which weights sampled which tokens, in order; null if all of them <paramref name="Version"/>.</param>
[MessagePackObject]
public sealed record TurnRecord(
    [property: Key(0)] int[] Tokens,
    [property: Key(1)] float[] LogProbs,
    [property: Key(2)] PolicyVersion Version,
    [property: Key(3)] int[] ObservationTokens,
    [property: Key(4)] bool ToolError,
    [property: Key(5)] float[]? ModelLogProbs = null,
    [property: Key(6)] SampledRun[]? SampledBy = null)
{
    /// <summary>The model's own log-probabilities, which a policy ratio is taken against; nats.</summary>
    [IgnoreMember]
    public float[] PolicyLogProbs => ModelLogProbs ?? LogProbs;

    /// <summary>Version of the oldest weights that sampled any of it.</summary>
    [IgnoreMember]
    public PolicyVersion OldestVersion => SampledBy is { Length: > 0 } runs ? new PolicyVersion(runs.Min(run => run.Version.Value)) : Version;
}

/// <summary>Neighbouring tokens of a turn that the same weights sampled.</summary>
[MessagePackObject]
public sealed record SampledRun(
    [property: Key(0)] PolicyVersion Version,
    [property: Key(1)] int Tokens);

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
