using Distributed.Engine.Generation;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Generation;

/// <summary>
/// Draws tokens where the logits are, so that three numbers a row come to the host and not the vocabulary: by inversion of the whole distribution, with the random number
/// and the order of the managed engine's sampler. For equal logits it is the same token, save where the number falls on the edge between two to the last places.
/// </summary>
internal static class DeviceDraw
{
    /// <summary>Whether a draw is one of these: from the whole distribution, or the likeliest token.</summary>
    public static bool Can(SamplingOptions sampling, int vocabulary) => sampling.Temperature == 0 || !TokenSampler.IsFiltered(sampling, vocabulary);

    /// <summary>One token a row.</summary>
    /// <param name="logits">[rows, V], float32.</param>
    /// <param name="wishes">How each is drawn, and its random number in [0, 1).</param>
    public static Draw[] From(Tensor logits, IReadOnlyList<(SamplingOptions Sampling, double Uniform)> wishes)
    {
        using var scope = NewDisposeScope();
        var device = logits.device;
        // Column 0: 1 / temperature, 1: the random number, 2: whether the likeliest is taken.
        var told = new double[wishes.Count * 3];
        for (var i = 0; i < wishes.Count; i++)
        {
            var (sampling, uniform) = wishes[i];
            (told[3 * i], told[(3 * i) + 1], told[(3 * i) + 2]) = (sampling.Temperature == 0 ? 1 : 1f / sampling.Temperature, uniform, sampling.Temperature == 0 ? 1 : 0);
        }

        var columns = tensor(told, [wishes.Count, 3], device: device);
        var shifted = logits - logits.amax([1L], keepdim: true);
        var modelMass = shifted.exp().sum(1, keepdim: true, type: ScalarType.Float64);
        var inverse = columns.narrow(1, 0, 1);
        var weights = wishes.All(wish => wish.Sampling.Temperature is 0 or 1f) ? shifted.exp() : (shifted * inverse.to(ScalarType.Float32)).exp_();
        var running = weights.cumsum(1, ScalarType.Float64);
        var total = running.narrow(1, running.shape[1] - 1, 1);
        var token = searchsorted(running, columns.narrow(1, 1, 1) * total, right: true).clamp_(max: running.shape[1] - 1);
        if (wishes.Any(wish => wish.Sampling.Temperature == 0))
            token = where(columns.narrow(1, 2, 1).gt(0), logits.argmax(1, keepdim: true), token);
        var logit = shifted.gather(1, token).to(ScalarType.Float64);
        var answers = cat([token.to(ScalarType.Float64), (logit * inverse) - total.log(), logit - modelMass.log()], 1).cpu().data<double>().ToArray();
        var draws = new Draw[wishes.Count];
        for (var i = 0; i < draws.Length; i++)
            draws[i] = double.IsFinite(answers[(3 * i) + 2]) ? new Draw((int)answers[3 * i], (float)answers[(3 * i) + 1], (float)answers[(3 * i) + 2]) : Draw.Impossible;
        return draws;
    }
}
