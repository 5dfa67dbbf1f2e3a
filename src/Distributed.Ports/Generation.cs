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
    IReadOnlyList<string> StopStrings)
{
    /// <summary>Sampling ends after any of these ids, besides the model's own end tokens; it is kept as the last token.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>
    /// Lets <see cref="IPolicyEngine.LoadWeights"/> take effect between two tokens of this request, instead of making it wait for the request's end;
    /// <see cref="GenerateReply.Versions"/> then tells which weights sampled which token.
    /// </summary>
    public bool PartialRollout { get; init; }
}

/// <summary>How tokens are drawn: temperature first, then top-k, then top-p over what is left, then min-p.</summary>
/// <param name="Temperature">Divides the logits; 0 is greedy.</param>
/// <param name="TopK">Keep the k likeliest tokens; 0 keeps all.</param>
/// <param name="TopP">Keep the smallest set of likeliest tokens whose mass reaches this; 1 keeps all.</param>
/// <param name="MinP">Keep tokens at least this times as likely as the likeliest (Nguyen et al. 2024, 2407.01082); 0 keeps all.</param>
public sealed record SamplingOptions(float Temperature = 1f, int TopK = 0, float TopP = 1f, float MinP = 0f)
{
    /// <summary>Always the likeliest token.</summary>
    public static SamplingOptions Greedy { get; } = new(Temperature: 0f);
}

/// <summary>Why sampling ended.</summary>
public enum FinishReason
{
    /// <summary>A stop string, a stop token or the end-of-sequence token was produced.</summary>
    Stop,

    /// <summary>The request's token budget was used up.</summary>
    Length,

    /// <summary>The sequence has filled the engine's context.</summary>
    ContextFull,

    /// <summary>The request failed; see the error.</summary>
    Failed,
}

/// <summary>Neighbouring tokens of one reply that the same weights sampled.</summary>
/// <param name="Version">The weights.</param>
/// <param name="Tokens">How many tokens, at least 1.</param>
public readonly record struct VersionRun(long Version, int Tokens);

/// <summary>What was sampled.</summary>
/// <remarks>
/// Two log-probabilities are recorded and must not be mixed up. <see cref="LogProbs"/> are of the distribution that was drawn from: with them as
/// the behaviour policy importance weights are exact. <see cref="ModelLogProbs"/> are the model's own, which is what
/// <see cref="IPolicyEngine.LogProbs"/> and <see cref="IPolicyEngine.Train"/> compute: the ratio of a policy loss must take these as its old
/// ones. At temperature 1 without filters the two are equal to the bit.
/// </remarks>
/// <param name="Sequence">The sequence of the request.</param>
/// <param name="Tokens">The sampled tokens, the stop's own included.</param>
/// <param name="LogProbs">Per token, nats: log-probability under the distribution it was drawn from (temperature and filters applied); for greedy, the full softmax at temperature 1.</param>
/// <param name="Version">The weights that sampled the last token; unless the request was a partial rollout, all of them.</param>
/// <param name="Finish">Why it ended.</param>
/// <param name="Error">Set if and only if <paramref name="Finish"/> is <see cref="FinishReason.Failed"/>.</param>
public sealed record GenerateReply(
    long Sequence,
    ReadOnlyMemory<int> Tokens,
    ReadOnlyMemory<float> LogProbs,
    long Version,
    FinishReason Finish,
    EngineError? Error = null)
{
    /// <summary>Per token, nats: log-probability under the full softmax at temperature 1 of the weights that sampled it, no filters applied.</summary>
    public ReadOnlyMemory<float> ModelLogProbs { get; init; } = LogProbs;

    /// <summary>Which weights sampled which tokens, in order; empty if there are no tokens.</summary>
    public IReadOnlyList<VersionRun> Versions { get; init; } = Tokens.Length == 0 ? [] : [new VersionRun(Version, Tokens.Length)];
}

/// <summary>A request was refused because the cache of keys and values could never hold it, however long it waited.</summary>
/// <param name="Message">One line for people, with the option to change.</param>
/// <param name="NeededBytes">What the request needs.</param>
/// <param name="AvailableBytes">What the cache may take in all.</param>
public sealed record CacheTooSmallError(string Message, long NeededBytes, long AvailableBytes) : EngineError(Message);
