using Distributed.Engine.Hosting;

namespace Distributed.Node.Composition;

/// <summary>What of an engine's counters belongs to which role.</summary>
internal static class EngineWork
{
    /// <summary>Sampled and fed tokens.</summary>
    public static Func<Work> Sampling(QueuedPolicyEngine engine) => () =>
    {
        var counters = engine.Counters;
        return new Work(counters.TokensSampled + counters.TokensFed, counters.GenerateSeconds);
    };

    /// <summary>Scored tokens.</summary>
    public static Func<Work> Scoring(QueuedPolicyEngine engine) => () => new Work(engine.Counters.TokensScored, engine.Counters.ScoreSeconds);

    /// <summary>Trained tokens.</summary>
    public static Func<Work> Training(QueuedPolicyEngine engine) => () => new Work(engine.Counters.TokensTrained, engine.Counters.TrainSeconds);
}
