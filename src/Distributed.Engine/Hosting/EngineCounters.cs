namespace Distributed.Engine.Hosting;

/// <summary>What an engine has done since it was made; every number only grows, so differences of two readings are rates.</summary>
/// <param name="TokensSampled">Tokens sampled.</param>
/// <param name="TokensFed">Tokens run through the model without being sampled: prompts, replies of tools, and what a change of weights made be worked out anew.</param>
/// <param name="TokensScored">Tokens of score and log-probability requests, branches included.</param>
/// <param name="TokensTrained">Tokens of applied training steps.</param>
/// <param name="GenerateSeconds">Time spent sampling.</param>
/// <param name="ScoreSeconds">Time spent scoring.</param>
/// <param name="TrainSeconds">Time spent training.</param>
/// <param name="OtherSeconds">Time spent loading and copying weights and optimizer state.</param>
/// <param name="Answered">Requests answered, failed ones included.</param>
/// <param name="Failed">Requests answered with an error, refused ones included.</param>
/// <param name="Refused">Requests refused because too many were waiting.</param>
/// <param name="CallbackFailures">Reply callbacks that threw, which they must not.</param>
public sealed record EngineCounters(
    long TokensSampled,
    long TokensFed,
    long TokensScored,
    long TokensTrained,
    double GenerateSeconds,
    double ScoreSeconds,
    double TrainSeconds,
    double OtherSeconds,
    long Answered,
    long Failed,
    long Refused,
    long CallbackFailures);
