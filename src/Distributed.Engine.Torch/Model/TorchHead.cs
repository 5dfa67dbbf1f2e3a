using TorchSharp;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>
/// Log-probabilities and their gradient for hidden states. The logits of a bounded number of rows exist at a time, and autograd never sees them: its graph
/// would keep [rows, V]. Call without gradients.
/// </summary>
/// <param name="weights">The model's parameters; not owned.</param>
/// <param name="name">The head's matrix.</param>
/// <param name="vocabulary">V.</param>
/// <param name="device">Where.</param>
internal sealed class TorchHead(TorchParameters weights, string name, int vocabulary, Device device)
{
    /// <summary>Rows whose logits exist at once.</summary>
    public int ChunkRows { get; } = (int)Math.Clamp((device.type == DeviceType.CPU ? 1L << 21 : 1L << 26) / vocabulary, 16, 8192);

    /// <summary>Logits in float32, [rows, V].</summary>
    public Tensor Logits(Tensor hidden) => nn.functional.linear(hidden, weights.Compute(name)).to(ScalarType.Float32);

    /// <summary>Log-probability of one target per row and the entropy of its distribution, nats.</summary>
    /// <param name="hidden">[rows, d].</param>
    /// <param name="targets">Token per row, [rows].</param>
    public (float[] LogProbs, float[] Entropies) Forward(Tensor hidden, Tensor targets)
    {
        using var outer = NewDisposeScope();
        var rows = (int)hidden.shape[0];
        var both = empty([2, rows], ScalarType.Float32, device);
        for (var first = 0; first < rows; first += ChunkRows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(ChunkRows, rows - first);
            var logits = Logits(hidden.narrow(0, first, count));
            var sum = logits.logsumexp(-1, keepdim: true);
            var chosen = logits.gather(1, targets.narrow(0, first, count).unsqueeze(1)) - sum;
            // H = log sum - E[logit].
            var entropy = sum - ((logits - sum).exp_() * logits).sum(-1, keepdim: true);
            both[0].narrow(0, first, count).copy_(chosen.squeeze(1));
            both[1].narrow(0, first, count).copy_(entropy.squeeze(1));
        }

        var values = both.cpu().data<float>().ToArray();
        return (values[..rows], values[rows..]);
    }

    /// <summary>Gradients of <see cref="Forward"/>'s log-probabilities.</summary>
    /// <param name="hidden">[rows, d].</param>
    /// <param name="targets">[rows].</param>
    /// <param name="gradient">d loss / d log-probability, per row.</param>
    /// <param name="train">Whether the head's own gradient is wanted; it is added to its part of the parameters' gradient.</param>
    /// <returns>d loss / d hidden, [rows, d]; belongs to the caller's scope.</returns>
    public Tensor Backward(Tensor hidden, Tensor targets, float[] gradient, bool train)
    {
        using var outer = NewDisposeScope();
        var into = empty_like(hidden);
        var weight = weights.Compute(name);
        var scales = tensor(gradient, [gradient.Length, 1], device: device);
        for (var first = 0; first < gradient.Length; first += ChunkRows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(ChunkRows, gradient.Length - first);
            var part = hidden.narrow(0, first, count);
            var scale = scales.narrow(0, first, count);
            var dLogits = Logits(part).softmax(-1).mul_(-scale);
            dLogits.scatter_add_(1, targets.narrow(0, first, count).unsqueeze(1), scale);
            var narrow = dLogits.to(hidden.dtype);
            into.narrow(0, first, count).copy_(narrow.matmul(weight));
            if (train && narrow.dtype == ScalarType.Float32)
                weights.GradientOf(name).addmm_(narrow.t(), part, 1, 1);
            else if (train)
                weights.GradientOf(name).add_(narrow.t().matmul(part));
        }

        return into.MoveToOuterDisposeScope();
    }
}
