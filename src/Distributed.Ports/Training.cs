namespace Distributed.Ports;

/// <summary>A sequence to train on.</summary>
/// <param name="Tokens">Token ids, length L.</param>
/// <param name="Targets">Ascending positions t, 1 &lt;= t &lt; L, whose token is predicted from the tokens before it; everything else is context.</param>
public sealed record TrainSequence(ReadOnlyMemory<int> Tokens, ReadOnlyMemory<int> Targets);

/// <summary>
/// The loss as a function of the targets' log-probabilities. It must be pure: the engine calls it from several threads,
/// once per sequence, in any order.
/// </summary>
public interface ISequenceLoss
{
    /// <summary>Loss of one sequence and its gradient.</summary>
    /// <param name="sequence">Index into <see cref="TrainRequest.Sequences"/>.</param>
    /// <param name="logProbs">log p of each target under the weights being trained, at temperature 1, in the order of <see cref="TrainSequence.Targets"/>.</param>
    /// <param name="gradient">Out: d loss / d logProbs, same length. The total loss is the sum over sequences.</param>
    /// <returns>The sequence's part of the loss.</returns>
    double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient);
}

/// <summary>One optimizer step over a set of sequences.</summary>
public sealed record TrainRequest(IReadOnlyList<TrainSequence> Sequences, ISequenceLoss Loss, OptimizerOptions Optimizer);

/// <summary>AdamW (decoupled weight decay on every parameter, as torch.optim.AdamW) and gradient clipping.</summary>
/// <param name="LearningRate">Step size of this step; schedules are the caller's.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled decay.</param>
/// <param name="MaxGradNorm">Clip the global L2 norm to this; 0 does not clip.</param>
public sealed record OptimizerOptions(
    float LearningRate,
    float Beta1 = 0.9f,
    float Beta2 = 0.999f,
    float Epsilon = 1e-8f,
    float WeightDecay = 0.01f,
    float MaxGradNorm = 0f);

/// <summary>What a training step did.</summary>
/// <param name="Applied">False if the loss or gradient was not finite: nothing was changed then.</param>
/// <param name="Loss">Sum of the sequences' losses.</param>
/// <param name="GradNorm">Global L2 norm before clipping.</param>
/// <param name="Entropy">Mean over all targets of the full softmax's entropy, nats.</param>
/// <param name="LogProbs">Per sequence, per target: log p before the step.</param>
/// <param name="Error">Set if the request failed.</param>
public sealed record TrainReply(
    bool Applied,
    double Loss,
    double GradNorm,
    double Entropy,
    IReadOnlyList<ReadOnlyMemory<float>> LogProbs,
    EngineError? Error = null);

/// <summary>Per sequence, per target: log p; <see cref="EngineError"/> if the request failed.</summary>
public sealed record LogProbsReply(IReadOnlyList<ReadOnlyMemory<float>> LogProbs, EngineError? Error = null);

/// <summary>Hidden states of targets.</summary>
/// <param name="Width">d, numbers per state.</param>
/// <param name="States">Per sequence its targets' states one after another: [targets * d].</param>
/// <param name="Error">Set if the request failed.</param>
public sealed record HiddenStatesReply(int Width, IReadOnlyList<ReadOnlyMemory<float>> States, EngineError? Error = null);
