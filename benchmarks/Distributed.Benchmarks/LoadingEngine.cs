using System.Collections.Concurrent;
using Distributed.Ports;

namespace Distributed.Benchmarks;

/// <summary>An engine that does nothing but note which weights it was given.</summary>
internal sealed class LoadingEngine(int bytes) : IPolicyEngine
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource> _loaded = new();

    public EngineLimits Limits { get; } = new(2, 1, bytes / sizeof(float));

    public long WeightsVersion { get; private set; } = -1;

    public IReadOnlyList<TensorShape> Tensors { get; } = [new("weights", [bytes / sizeof(float)])];

    /// <summary>Completes when a version has been loaded.</summary>
    public Task Loaded(long version) => _loaded.GetOrAdd(version, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply)
    {
        WeightsVersion = version;
        reply(null);
        _loaded.GetOrAdd(version, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public void Generate(GenerateRequest request, Action<GenerateReply> reply) => throw new NotSupportedException();

    public void Release(long sequence) { }

    public void Score(ScoreRequest request, Action<ScoreReply> reply) => throw new NotSupportedException();

    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) => throw new NotSupportedException();

    public void Train(TrainRequest request, Action<TrainReply> reply) => throw new NotSupportedException();

    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => throw new NotSupportedException();

    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => throw new NotSupportedException();

    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) => throw new NotSupportedException();

    public void Dispose() { }
}
