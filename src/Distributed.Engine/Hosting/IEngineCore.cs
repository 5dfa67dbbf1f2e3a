using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>A model and everything that computes on it but sampling. Used by the engine's thread alone, except for the counters.</summary>
internal interface IEngineCore : IDisposable
{
    /// <summary>Times a piece of work.</summary>
    void Measure(WorkKind kind, Action work);

    /// <summary>Calls <paramref name="work"/> on every thread that samples, thread 0 being the caller's, and returns when all are done.</summary>
    void Run(Action<int> work);

    /// <summary>Answers each request; a request that is wrong fails alone.</summary>
    ScoreReply[] Score(IReadOnlyList<ScoreRequest> requests, long version);

    /// <summary>Log-probabilities of targets.</summary>
    LogProbsReply LogProbs(IReadOnlyList<TrainSequence> sequences);

    /// <summary>What targets are predicted from.</summary>
    HiddenStatesReply HiddenStates(IReadOnlyList<TrainSequence> sequences);

    /// <summary>One training step.</summary>
    TrainReply Train(TrainRequest request);

    /// <summary>Replaces the weights; says what is wrong with them, then nothing is changed.</summary>
    EngineError? LoadWeights(ReadOnlySpan<byte> weights);

    /// <summary>A copy of the weights.</summary>
    ReadOnlyMemory<byte> ReadWeights();

    /// <summary>A copy of the optimizer's state.</summary>
    OptimizerState ReadOptimizer();

    /// <summary>Replaces the optimizer's state; null resets it.</summary>
    EngineError? LoadOptimizer(OptimizerState? state);

    /// <summary>Writes config.json and model.safetensors; with an adapter, merged, and the adapter beside them.</summary>
    void Save(string folder);

    /// <summary>Fills in what the core counts.</summary>
    EngineCounters Count(EngineCounters counters);
}
