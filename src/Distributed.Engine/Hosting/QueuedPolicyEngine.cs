using Distributed.Engine.Generation;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>What every engine of this project has in common: a queue of requests, one thread that works it off, and replies of which each request gets one.</summary>
/// <remarks>
/// Replies come on the engine's threads, with two exceptions: a request that finds the queue full or the engine closed is answered on the
/// caller's thread, before the call returns. Requests of one sequence are worked off one after the other. A request
/// that fails leaves its sequence as it was.
/// </remarks>
public abstract class QueuedPolicyEngine : IPolicyEngine
{
    private static readonly TimeSpan ClosingTime = TimeSpan.FromMinutes(2);

    [ThreadStatic]
    private static int _repliesOnThisThread;

    private readonly EngineOptions _options;
    private readonly IEngineCore _core;
    private readonly GenerationLoop _loop;
    private readonly EngineQueue _queue;
    private readonly StopRules _stops;
    private long _version;
    private int _unanswered;
    private long _answered;
    private long _failed;
    private long _refused;
    private long _callbackFailures;
    private int _disposed;

    /// <summary>An engine on a core and a loop, which it takes over.</summary>
    private protected QueuedPolicyEngine(
        object gate, IEngineCore core, GenerationLoop loop, ModelConfig config, int contextLength, IReadOnlyList<TensorShape> tensors, ITokenizer tokenizer,
        EngineOptions options)
    {
        (_options, _core, _loop, Tensors) = (options, core, loop, tensors);
        Limits = new EngineLimits(config.VocabularySize, contextLength, tensors.Sum(tensor => tensor.ElementCount));
        _queue = new EngineQueue(gate, core, loop, () => WeightsVersion);
        _stops = new StopRules(tokenizer, config.VocabularySize);
        _queue.Start();
    }

    /// <inheritdoc/>
    public EngineLimits Limits { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorShape> Tensors { get; }

    /// <inheritdoc/>
    public long WeightsVersion => Interlocked.Read(ref _version);

    /// <summary>What the engine has done so far. Safe to read from any thread.</summary>
    public EngineCounters Counters => _core.Count(new EngineCounters(
        _loop.TokensSampled, _loop.TokensFed, 0, 0, _queue.GenerateSeconds, 0, 0, 0,
        Interlocked.Read(ref _answered), Interlocked.Read(ref _failed), Interlocked.Read(ref _refused), Interlocked.Read(ref _callbackFailures)));

    /// <inheritdoc/>
    public void Generate(GenerateRequest request, Action<GenerateReply> reply)
    {
        var answer = Guard(reply, answered => answered.Error, out var refusal);
        if (refusal is not null)
        {
            answer(Failure(request, refusal));
            return;
        }

        try
        {
            var turn = new Turn(request, _stops.For(request.StopStrings), answer);
            refusal = _queue.TryAdd(turn) ? null : Closed;
        }
        catch (Exception error)
        {
            refusal = new EngineError($"sequence {request.Sequence}: the stop strings cannot be prepared: {error.Message.ReplaceLineEndings(" ")}");
        }

        if (refusal is not null)
            answer(Failure(request, refusal));
    }

    /// <inheritdoc/>
    public void Release(long sequence) => _queue.Release(sequence);

    /// <inheritdoc/>
    public void Score(ScoreRequest request, Action<ScoreReply> reply) =>
        Add(new ScoreOrder(request, Guard(reply, answered => answered.Error, out var refusal)), refusal);

    /// <inheritdoc/>
    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) =>
        Add(WorkKind.Score, WeightChange.None, () => _core.LogProbs(sequences), error => new LogProbsReply([], error), reply, answered => answered.Error);

    /// <inheritdoc/>
    public void HiddenStates(IReadOnlyList<TrainSequence> sequences, Action<HiddenStatesReply> reply) =>
        Add(WorkKind.Score, WeightChange.None, () => _core.HiddenStates(sequences), error => new HiddenStatesReply(0, [], error), reply, answered => answered.Error);

    /// <inheritdoc/>
    public void Train(TrainRequest request, Action<TrainReply> reply) =>
        Add(WorkKind.Train, WeightChange.BetweenTurns, () => Train(request), error => new TrainReply(false, 0, 0, 0, [], error), reply, answered => answered.Error);

    /// <inheritdoc/>
    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply) =>
        Add(WorkKind.Other, WeightChange.BetweenTokens, () => Load(version, weights), error => error, reply, error => error);

    /// <inheritdoc/>
    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => Add(
        WorkKind.Other, WeightChange.None, () => (Weights: _core.ReadWeights(), Error: (EngineError?)null), error => (default, error),
        result => reply(result.Weights, result.Error), result => result.Error);

    /// <inheritdoc/>
    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => Add(
        WorkKind.Other, WeightChange.None, () => (State: (OptimizerState?)_core.ReadOptimizer(), Error: (EngineError?)null), error => (null, error),
        result => reply(result.State, result.Error), result => result.Error);

    /// <inheritdoc/>
    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) =>
        Add(WorkKind.Other, WeightChange.None, () => _core.LoadOptimizer(state), error => error, reply, error => error);

    /// <summary>Writes the model as a Hugging Face folder: config.json and model.safetensors. The tokenizer's file is the caller's to copy.</summary>
    /// <param name="folder">Where; made if it is not there.</param>
    /// <param name="reply">Null when it is written, else why not.</param>
    public void SaveModel(string folder, Action<EngineError?> reply) => Add(
        WorkKind.Other, WeightChange.None, () => Save(folder), error => error, reply, error => error);

    /// <summary>Ends the engine. What runs is brought to an end at the next token or step; every request without a reply gets one.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;

        GC.SuppressFinalize(this);
        _queue.Close();
        if (_repliesOnThisThread > 0)
        {
            // The caller is one of the threads to wait for. They end by themselves; another one frees the memory then.
            new Thread(Free) { IsBackground = true, Name = "engine-end" }.Start();
            return;
        }

        Free();
    }

    private static EngineError Closed { get; } = new("The engine is closed.");

    private void Free()
    {
        // A thread that does not end still uses the memory, so then it is kept.
        if (!_queue.Join(ClosingTime))
            return;
        _loop.Dispose();
        _core.Dispose();
    }

    private GenerateReply Failure(GenerateRequest request, EngineError error) =>
        new(request.Sequence, default, default, WeightsVersion, FinishReason.Failed, error);

    private TrainReply Train(TrainRequest request)
    {
        var reply = _core.Train(request);
        if (reply.Applied)
            _loop.ChangeWeights(null);
        return reply;
    }

    private EngineError? Load(long version, ReadOnlyMemory<byte> weights)
    {
        if (_core.LoadWeights(weights.Span) is { } error)
            return error;
        _loop.ChangeWeights(version);
        Interlocked.Exchange(ref _version, version);
        return null;
    }

    private EngineError? Save(string folder)
    {
        try
        {
            _core.Save(folder);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return new EngineError($"{folder}: the model cannot be written: {error.Message.ReplaceLineEndings(" ")}");
        }
    }

    private void Add<TReply>(
        WorkKind kind, WeightChange change, Func<TReply> work, Func<EngineError, TReply> failure, Action<TReply> reply, Func<TReply, EngineError?> errorOf) =>
        Add(new WorkOrder<TReply>(kind, change, work, failure, Guard(reply, errorOf, out var refusal)), refusal);

    private void Add(Order order, EngineError? refusal)
    {
        if (refusal is not null)
            order.Fail(refusal);
        else if (!_queue.TryAdd(order))
            order.Fail(Closed);
    }

    /// <summary>Makes of a caller's callback one that counts and that never throws; says if there is no room for the request.</summary>
    private Action<TReply> Guard<TReply>(Action<TReply> reply, Func<TReply, EngineError?> errorOf, out EngineError? refusal)
    {
        refusal = null;
        if (Interlocked.Increment(ref _unanswered) > _options.MaxRequests)
        {
            Interlocked.Increment(ref _refused);
            refusal = new EngineError($"{_options.MaxRequests} requests wait for the engine, which is the most; ask again later or raise the bound.");
        }

        return answered =>
        {
            Interlocked.Decrement(ref _unanswered);
            Interlocked.Increment(ref _answered);
            if (errorOf(answered) is not null)
                Interlocked.Increment(ref _failed);
            _repliesOnThisThread++;
            try
            {
                reply(answered);
            }
            catch (Exception)
            {
                Interlocked.Increment(ref _callbackFailures);
            }
            finally
            {
                _repliesOnThisThread--;
            }
        };
    }
}
