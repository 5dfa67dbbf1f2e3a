using Distributed.Engine.Kernels;
using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>A drawn token and its recorded log-probability, nats.</summary>
internal readonly record struct Draw(int Token, float LogProb)
{
    /// <summary>Stands for "the logits were not finite".</summary>
    public static Draw Impossible { get; } = new(-1, float.NaN);
}

/// <summary>Draws tokens from rows of logits. Every sum runs in a fixed order over one row, so a row's draw depends on nothing else.</summary>
/// <remarks>Without filters and at temperature 1 the log-probabilities are to the bit those that training works out from the same logits.</remarks>
internal sealed unsafe class TokenSampler : IDisposable
{
    private const int FirstLook = 256;

    private readonly FloatBuffer _weights;
    private readonly int[] _order;
    private readonly int _vocabulary;

    /// <summary>A sampler with scratch memory for one row; used by one thread at a time.</summary>
    public TokenSampler(int vocabulary)
    {
        _vocabulary = vocabulary;
        _weights = new FloatBuffer(vocabulary);
        _order = new int[vocabulary];
    }

    /// <summary>Draws one token.</summary>
    /// <param name="logits">One row, as long as the vocabulary.</param>
    /// <param name="sampling">How to draw.</param>
    /// <param name="uniform">The random number to draw with, in [0, 1).</param>
    public Draw Sample(ReadOnlySpan<float> logits, SamplingOptions sampling, double uniform)
    {
        logits = logits[.._vocabulary];
        var weights = _weights.Span;
        logits.CopyTo(weights);
        var isGreedy = sampling.Temperature == 0;
        var inverse = isGreedy ? 1f : 1f / sampling.Temperature;
        var highest = Softmax.Max(_weights.Pointer, _vocabulary);
        if (inverse != 1f)
        {
            foreach (ref var weight in weights)
                weight = (weight - highest) * inverse;
        }

        var total = Softmax.Exponentiate(_weights.Pointer, _vocabulary, _vocabulary, 1f, out _);
        if (!float.IsFinite(total))
            return Draw.Impossible;
        if (isGreedy)
            return Finish(logits.IndexOf(highest), highest, highest, inverse, total);
        if (sampling.TopK > 0 && sampling.TopK < _vocabulary || sampling.TopP < 1)
            return SampleFiltered(logits, sampling, inverse, highest, total, uniform);

        var token = Walk(weights, uniform * total);
        return Finish(token, logits[token], highest, inverse, total);
    }

    public void Dispose() => _weights.Dispose();

    private static Draw Finish(int token, float logit, float highest, float inverse, float mass) =>
        new(token, ((logit - highest) * inverse) - MathF.Log(mass));

    /// <summary>The token at which the running sum of weights passes the target. Rounding may carry it past the last one, which is taken then.</summary>
    private static int Walk(ReadOnlySpan<float> weights, double target)
    {
        for (var token = 0; token < weights.Length; token++)
        {
            if (target < weights[token])
                return token;
            target -= weights[token];
        }

        return weights.Length - 1;
    }

    /// <summary>Top-k, then top-p over what is left, as Hugging Face's generation does; ties go to the lower id.</summary>
    private Draw SampleFiltered(ReadOnlySpan<float> logits, SamplingOptions sampling, float inverse, float highest, float total, double uniform)
    {
        var limited = sampling.TopK > 0 && sampling.TopK < _vocabulary;
        var considered = limited ? sampling.TopK : Math.Min(_vocabulary, FirstLook);
        int kept;
        double mass;
        while (true)
        {
            var order = _order.AsSpan(0, considered);
            LikeliestTokens.Select(logits, order);
            var needed = sampling.TopP * (limited ? Sum(order) : total);
            (kept, mass) = Cut(order, needed);
            if (mass >= needed || limited || considered == _vocabulary)
                break;

            // Most of the mass is usually in few tokens; it was not, so look at more of them.
            considered = (int)Math.Min(_vocabulary, considered * 8L);
        }

        var target = uniform * mass;
        var token = _order[kept - 1];
        foreach (var candidate in _order.AsSpan(0, kept))
        {
            if (target < _weights.Pointer[candidate])
            {
                token = candidate;
                break;
            }

            target -= _weights.Pointer[candidate];
        }

        return Finish(token, logits[token], highest, inverse, (float)mass);
    }

    /// <summary>How many of the likeliest tokens are needed to reach a mass, and the mass they have.</summary>
    private (int Kept, double Mass) Cut(ReadOnlySpan<int> order, double needed)
    {
        var mass = 0.0;
        for (var i = 0; i < order.Length; i++)
        {
            mass += _weights.Pointer[order[i]];
            if (mass >= needed)
                return (i + 1, mass);
        }

        return (order.Length, mass);
    }

    private double Sum(ReadOnlySpan<int> order)
    {
        var sum = 0.0;
        foreach (var token in order)
            sum += _weights.Pointer[token];
        return sum;
    }
}
