using Distributed.Engine.Training;
using Distributed.Engine.Torch.Model;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Training;

/// <summary>AdamW on the flat buffers, as the managed engine computes it: decoupled decay on every parameter (Loshchilov and Hutter 2019, 1711.05101).</summary>
internal sealed class TorchAdamW : IDisposable
{
    // Temporaries are as long as a part.
    private const long MostUpdated = 1L << 24;
    private readonly long _count;
    private readonly Tensor _first;
    private readonly Tensor _second;

    public TorchAdamW(long count, Device device)
    {
        using var scope = NewDisposeScope();
        _count = count;
        _first = zeros(count, ScalarType.Float32, device).DetachFromDisposeScope();
        _second = zeros(count, ScalarType.Float32, device).DetachFromDisposeScope();
    }

    /// <summary>Steps taken.</summary>
    public long Step { get; private set; }

    /// <summary>One step with the gradient times <paramref name="scale"/>.</summary>
    public void Update(TorchParameters parameters, OptimizerOptions options, float scale)
    {
        Step++;
        var rate = options.LearningRate / (1 - Math.Pow(options.Beta1, Step));
        var root = Math.Sqrt(1 - Math.Pow(options.Beta2, Step));
        for (long at = 0; at < _count; at += MostUpdated)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(MostUpdated, _count - at);
            var weights = parameters.Flat.narrow(0, at, length);
            var gradient = parameters.Gradient!.narrow(0, at, length);
            if (scale != 1)
                gradient = gradient * scale;
            var (first, second) = (_first.narrow(0, at, length), _second.narrow(0, at, length));
            first.mul_(options.Beta1).add_(gradient, 1f - options.Beta1);
            second.mul_(options.Beta2).addcmul_(gradient, gradient, 1f - options.Beta2);
            var denominator = second.sqrt().div_((float)root).add_(options.Epsilon);
            weights.mul_(1f - (options.LearningRate * options.WeightDecay)).addcdiv_(first, denominator, (float)-rate);
        }
    }

    public OptimizerState Read() => new(Step, TorchParameters.ToBytes(_first), TorchParameters.ToBytes(_second));

    /// <summary>Replaces the state; null resets it. Returns what is wrong, then nothing is changed.</summary>
    public EngineError? Load(OptimizerState? state)
    {
        if (state is not null && StateCheck.Complaint(state, _count) is { } complaint)
            return new EngineError(complaint);
        using var quiet = no_grad();
        Step = state?.Step ?? 0;
        if (state is null)
        {
            _first.zero_();
            _second.zero_();
            return null;
        }

        TorchParameters.FromBytes(_first, state.FirstMoment.Span);
        TorchParameters.FromBytes(_second, state.SecondMoment.Span);
        return null;
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }
}
