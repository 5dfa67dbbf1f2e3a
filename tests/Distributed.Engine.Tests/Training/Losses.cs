using Distributed.Ports;

namespace Distributed.Engine.Tests.Training;

/// <summary>Minus the mean log-probability over all targets.</summary>
internal sealed class MeanLoss(int targets) : ISequenceLoss
{
    public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
    {
        gradient.Fill(-1f / targets);
        double sum = 0;
        foreach (var value in logProbs)
            sum += value;
        return -sum / targets;
    }
}

/// <summary>A loss given as a function.</summary>
internal delegate double LossFunction(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient);

internal sealed class FunctionLoss(LossFunction function) : ISequenceLoss
{
    public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient) => function(sequence, logProbs, gradient);
}
