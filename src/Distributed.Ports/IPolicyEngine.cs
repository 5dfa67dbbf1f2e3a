namespace Distributed.Ports;

/// <summary>
/// A decoder language model that can sample, score and train. One engine holds one set of weights.
/// </summary>
/// <remarks>
/// Every call that takes time is a request with a reply callback. The engine answers each request exactly once, on a thread of its
/// own, and never throws out of a callback path: what goes wrong comes back as <see cref="EngineError"/>. The callback must only
/// hand the result on (an actor tells itself); it must not block and must not throw.
/// <para>Determinism: for the same weights and the same request the reply is the same to the bit, whatever else the engine does at
/// the same time and in whatever order requests arrive; training is the same to the bit for the same thread count.</para>
/// <para>Order: <see cref="Train"/>, <see cref="LogProbs"/> and the calls that read or replace weights or optimizer take effect in the order in which they
/// were asked for; a copy of the optimizer asked for before a training step is of before that step.</para>
/// </remarks>
public interface IPolicyEngine : IDisposable
{
    /// <summary>What the model can hold; read-only facts.</summary>
    EngineLimits Limits { get; }

    /// <summary>The version of the weights in use now; changes only when <see cref="LoadWeights"/> has been answered.</summary>
    long WeightsVersion { get; }

    /// <summary>Appends tokens to a sequence (opened by its first request) and samples until a stop rule holds.</summary>
    void Generate(GenerateRequest request, Action<GenerateReply> reply);

    /// <summary>Forgets a sequence and frees its key/value cache; unknown sequences are ignored. A request under way ends with <see cref="FinishReason.Failed"/>.</summary>
    void Release(long sequence);

    /// <summary>Teacher-forced log-probabilities of answer branches hung onto one token sequence, in one packed forward.</summary>
    void Score(ScoreRequest request, Action<ScoreReply> reply);

    /// <summary>Log-probabilities of the target positions of each sequence, without training.</summary>
    void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply);

    /// <summary>
    /// The hidden state each target is predicted from: the decoder's output after its final norm. An engine that has none to give answers
    /// with an error.
    /// </summary>
    void HiddenStates(IReadOnlyList<TrainSequence> sequences, Action<HiddenStatesReply> reply) =>
        reply(new HiddenStatesReply(0, [], new EngineError("this engine gives no hidden states; choose another method or engine")));

    /// <summary>One forward, backward and optimizer step over all sequences of the request.</summary>
    void Train(TrainRequest request, Action<TrainReply> reply);

    /// <summary>
    /// Replaces the weights. Waits until no sampling request is under way but partial rollouts (<see cref="GenerateRequest.PartialRollout"/>), lets none
    /// start meanwhile, then swaps, between two tokens of those.
    /// Cached keys and values of older weights are computed anew when their sequence goes on.
    /// </summary>
    void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply);

    /// <summary>A copy of the weights: little-endian float32, the tensors of <see cref="Tensors"/> back to back in that order.</summary>
    void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply);

    /// <summary>A copy of the optimizer's state; its moments have the layout of the weights.</summary>
    void ReadOptimizer(Action<OptimizerState?, EngineError?> reply);

    /// <summary>Replaces the optimizer's state; <see langword="null"/> resets it (step 0, zero moments).</summary>
    void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply);

    /// <summary>Names (as Hugging Face has them) and shapes of the tensors, in the order of the flat weight buffer. Tied heads do not appear.</summary>
    IReadOnlyList<TensorShape> Tensors { get; }
}

/// <summary>What an engine can hold.</summary>
/// <param name="VocabularySize">Number of token ids, V.</param>
/// <param name="ContextLength">Longest sequence in tokens, prompt and everything sampled included.</param>
/// <param name="ParameterCount">Trainable parameters, tied ones once.</param>
public sealed record EngineLimits(int VocabularySize, int ContextLength, long ParameterCount);

/// <summary>A named tensor; <paramref name="Shape"/> is row-major, as torch has it ([out, in] for a linear layer).</summary>
public sealed record TensorShape(string Name, IReadOnlyList<int> Shape)
{
    /// <summary>Product of the dimensions.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>AdamW's state: steps taken, first and second moments as little-endian float32 in the layout of the weights.</summary>
public sealed record OptimizerState(long Step, ReadOnlyMemory<byte> FirstMoment, ReadOnlyMemory<byte> SecondMoment);

/// <summary>Why a request was not fulfilled: one line for people.</summary>
public record EngineError(string Message);
