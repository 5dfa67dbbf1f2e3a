namespace Distributed.Engine.Hosting;

/// <summary>What an engine has done since it began.</summary>
/// <param name="TokensSampled">Tokens drawn.</param>
/// <param name="TokensFed">Prompt and reply tokens run through the model before sampling, those worked out anew included.</param>
/// <param name="GenerateSeconds">Time with at least one turn under way.</param>
/// <param name="TokensScored">Trajectory and branch tokens of score requests.</param>
/// <param name="ScoreSeconds">Time spent on them.</param>
/// <param name="TokensTrained">Tokens of trained sequences.</param>
/// <param name="TrainSeconds">Time spent on them, and on log-probabilities asked for.</param>
/// <param name="Refused">Requests refused because too many waited.</param>
public sealed record EngineCounters(
    long TokensSampled,
    long TokensFed,
    double GenerateSeconds,
    long TokensScored,
    double ScoreSeconds,
    long TokensTrained,
    double TrainSeconds,
    long Refused);
