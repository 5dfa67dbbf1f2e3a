namespace Distributed.Ports;

/// <summary>Asks for one turn of a sequence.</summary>
/// <param name="Sequence">The caller's name for the sequence; its first request opens it, <see cref="IPolicyEngine.Release"/> ends it.</param>
/// <param name="Append">Tokens put after what the sequence holds, before sampling starts (a prompt, a tool's reply). They are not sampled.</param>
/// <param name="Sampling">How tokens are drawn.</param>
/// <param name="Seed">Seed of this request's own random stream.</param>
/// <param name="MaxNewTokens">Most tokens to sample; at least 1.</param>
/// <param name="StopStrings">Sampling ends when the decoded new text ends with one of these; the tokens that complete it are kept.</param>
public sealed record GenerateRequest(
    long Sequence,
    ReadOnlyMemory<int> Append,
    SamplingOptions Sampling,
    ulong Seed,
    int MaxNewTokens,
    IReadOnlyList<string> StopStrings);

/// <summary>How tokens are drawn.</summary>
/// <param name="Temperature">Divides the logits; 0 is greedy.</param>
/// <param name="TopK">Keep the k likeliest tokens; 0 keeps all.</param>
/// <param name="TopP">Keep the smallest set of likeliest tokens whose mass reaches this; 1 keeps all.</param>
public sealed record SamplingOptions(float Temperature = 1f, int TopK = 0, float TopP = 1f)
{
    /// <summary>Always the likeliest token.</summary>
    public static SamplingOptions Greedy { get; } = new(Temperature: 0f);
}

/// <summary>Why sampling ended.</summary>
public enum FinishReason
{
    /// <summary>A stop string or the end-of-sequence token was produced.</summary>
    Stop,

    /// <summary>The request's token budget was used up.</summary>
    Length,

    /// <summary>The sequence has filled the engine's context.</summary>
    ContextFull,

    /// <summary>The request failed; see the error.</summary>
    Failed,
}

/// <summary>What was sampled.</summary>
/// <param name="Sequence">The sequence of the request.</param>
/// <param name="Tokens">The sampled tokens, the stop's own included.</param>
/// <param name="LogProbs">Per token, nats: log-probability under the distribution it was drawn from (temperature and filters applied); for greedy, the full softmax at temperature 1.</param>
/// <param name="Version">The weights that sampled all of these tokens.</param>
/// <param name="Finish">Why it ended.</param>
/// <param name="Error">Set if and only if <paramref name="Finish"/> is <see cref="FinishReason.Failed"/>.</param>
public sealed record GenerateReply(
    long Sequence,
    ReadOnlyMemory<int> Tokens,
    ReadOnlyMemory<float> LogProbs,
    long Version,
    FinishReason Finish,
    EngineError? Error = null);
