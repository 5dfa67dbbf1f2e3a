using Distributed.Ports;
using Distributed.Simulation.Scaling;
using Distributed.Simulation.World;

namespace Distributed.Node.Validation;

/// <summary>The simulator's engine in a real process: it sleeps as long as the cost model says. Calls of any thread are done on the timeline's.</summary>
internal sealed class SleepingEngine(CostEngine engine, WallTimeline timeline) : IPolicyEngine
{
    /// <inheritdoc/>
    public EngineLimits Limits => engine.Limits;

    /// <inheritdoc/>
    public long WeightsVersion => engine.WeightsVersion;

    /// <inheritdoc/>
    public IReadOnlyList<TensorShape> Tensors => engine.Tensors;

    /// <inheritdoc/>
    public void Generate(GenerateRequest request, Action<GenerateReply> reply) => timeline.Post(() => engine.Generate(request, reply));

    /// <inheritdoc/>
    public void Release(long sequence) => timeline.Post(() => engine.Release(sequence));

    /// <inheritdoc/>
    public void Score(ScoreRequest request, Action<ScoreReply> reply) => timeline.Post(() => engine.Score(request, reply));

    /// <inheritdoc/>
    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) => timeline.Post(() => engine.LogProbs(sequences, reply));

    /// <inheritdoc/>
    public void Train(TrainRequest request, Action<TrainReply> reply) => timeline.Post(() => engine.Train(request, reply));

    /// <inheritdoc/>
    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply) => timeline.Post(() => engine.LoadWeights(version, weights, reply));

    /// <inheritdoc/>
    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => timeline.Post(() => engine.ReadWeights(reply));

    /// <inheritdoc/>
    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => timeline.Post(() => engine.ReadOptimizer(reply));

    /// <inheritdoc/>
    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) => timeline.Post(() => engine.LoadOptimizer(state, reply));

    /// <inheritdoc/>
    public void Dispose() => timeline.Post(engine.Dispose);
}

/// <summary>The simulator's tools in a real process.</summary>
internal sealed class SleepingTools(SimulatedEpisodeHost tools, WallTimeline timeline) : IEpisodeHost
{
    /// <inheritdoc/>
    public EpisodeHostCounters Counters => tools.Counters;

    /// <inheritdoc/>
    public void Step(IEpisode episode, string action, TimeSpan limit, Action<StepResult> reply) => timeline.Post(() => tools.Step(episode, action, limit, reply));

    /// <inheritdoc/>
    public void End(IEpisode episode) => timeline.Post(() => tools.End(episode));

    /// <inheritdoc/>
    public void Dispose() => timeline.Post(tools.Dispose);
}

/// <summary>Checkpoints that take their time and are forgotten.</summary>
internal sealed class SleepingCheckpoints(WallTimeline timeline, CostModel costs) : ICheckpointStore
{
    /// <inheritdoc/>
    public void Save(Checkpoint checkpoint, Action<EngineError?> reply) => timeline.After(TimeSpan.FromSeconds(costs.CheckpointSeconds), () => reply(null));

    /// <inheritdoc/>
    public Checkpoint? LoadNewest(Action<string> warn) => null;
}
