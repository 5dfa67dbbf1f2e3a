namespace Distributed.Ports;

/// <summary>Asks for the log-probabilities of several continuations ("branches") of prefixes of one sequence.</summary>
/// <param name="Tokens">The trajectory's tokens, length L.</param>
/// <param name="Branches">Branches; each sees the first <see cref="ScoreBranch.Position"/> tokens and itself, nothing of the others.</param>
public sealed record ScoreRequest(ReadOnlyMemory<int> Tokens, IReadOnlyList<ScoreBranch> Branches);

/// <summary>One continuation.</summary>
/// <param name="Position">Length of the prefix it follows, 1..L; its tokens' positions go on from there.</param>
/// <param name="Tokens">The branch's own tokens.</param>
/// <param name="SpanStart">First token of the branch that counts.</param>
/// <param name="SpanLength">How many tokens count, at least 1.</param>
public sealed record ScoreBranch(int Position, ReadOnlyMemory<int> Tokens, int SpanStart, int SpanLength);

/// <summary>The scores of a request.</summary>
/// <param name="MeanLogProbs">Per branch: mean over its span of log p(token | prefix, earlier branch tokens), nats. Not finite only if the model's output was not.</param>
/// <param name="Version">The weights that scored.</param>
/// <param name="Error">Set if the request failed; <paramref name="MeanLogProbs"/> is then empty.</param>
public sealed record ScoreReply(ReadOnlyMemory<double> MeanLogProbs, long Version, EngineError? Error = null);
