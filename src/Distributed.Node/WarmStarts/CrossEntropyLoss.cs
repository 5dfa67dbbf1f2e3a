using Distributed.Ports;

namespace Distributed.Node.WarmStarts;

/// <summary>Mean over all targets of a batch of -log p, nats.</summary>
/// <param name="targets">Targets of the whole batch.</param>
internal sealed class CrossEntropyLoss(int targets) : ISequenceLoss
{
    public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
    {
        var sum = 0.0;
        foreach (var logProb in logProbs)
        {
            sum -= logProb;
        }
        gradient.Fill(-1f / targets);
        return sum / targets;
    }
}
