using System.Diagnostics;

namespace Distributed.Engine.Hosting;

/// <summary>Counts tokens and time by kind of work. Written by the engine's thread, read by any.</summary>
internal sealed class WorkClock
{
    private long _tokensScored;
    private long _tokensTrained;
    private long _scoreTicks;
    private long _trainTicks;
    private long _otherTicks;

    /// <summary>Times a piece of work.</summary>
    public void Measure(WorkKind kind, Action work)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            work();
        }
        finally
        {
            var ticks = Stopwatch.GetTimestamp() - start;
            Interlocked.Add(ref kind == WorkKind.Score ? ref _scoreTicks : ref kind == WorkKind.Train ? ref _trainTicks : ref _otherTicks, ticks);
        }
    }

    public void Scored(long tokens) => Interlocked.Add(ref _tokensScored, tokens);

    public void Trained(long tokens) => Interlocked.Add(ref _tokensTrained, tokens);

    /// <summary>Fills in what is counted here.</summary>
    public EngineCounters Count(EngineCounters counters) => counters with
    {
        TokensScored = Interlocked.Read(ref _tokensScored),
        TokensTrained = Interlocked.Read(ref _tokensTrained),
        ScoreSeconds = Interlocked.Read(ref _scoreTicks) / (double)Stopwatch.Frequency,
        TrainSeconds = Interlocked.Read(ref _trainTicks) / (double)Stopwatch.Frequency,
        OtherSeconds = Interlocked.Read(ref _otherTicks) / (double)Stopwatch.Frequency,
    };
}
