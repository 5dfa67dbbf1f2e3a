using Distributed.Engine.Kernels;
using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>A drawn token.</summary>
/// <param name="Token">Its id.</param>
/// <param name="LogProb">Its log-probability under the distribution it was drawn from, nats.</param>
/// <param name="ModelLogProb">Its log-probability under the full softmax at temperature 1, nats.</param>
internal readonly record struct Draw(int Token, float LogProb, float ModelLogProb)
{
    /// <summary>Stands for "the logits were not finite".</summary>
    public static Draw Impossible { get; } = new(-1, float.NaN, float.NaN);
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
        var modelMass = Softmax.Exponentiate(_weights.Pointer, _vocabulary, _vocabulary, 1f, out var highest);
        if (!float.IsFinite(modelMass))
            return Draw.Impossible;
        if (sampling.Temperature == 0)
        {
            var logProb = -MathF.Log(modelMass);
            return new Draw(logits.IndexOf(highest), logProb, logProb);
        }

        var (inverse, total) = (1f, modelMass);
        if (sampling.Temperature != 1f)
        {
            inverse = 1f / sampling.Temperature;
            for (var token = 0; token < weights.Length; token++)
                weights[token] = (logits[token] - highest) * inverse;
            total = Softmax.Exponentiate(_weights.Pointer, _vocabulary, _vocabulary, 1f, out _);
        }

        var (drawn, mass) = IsFiltered(sampling, _vocabulary) ? DrawFiltered(logits, sampling, total, uniform) : (WeightedWalk.Find(weights, uniform * total), total);
        var logit = logits[drawn] - highest;
        return new Draw(drawn, (logit * inverse) - MathF.Log(mass), logit - MathF.Log(modelMass));
    }

    public void Dispose() => _weights.Dispose();

    /// <summary>Whether some tokens of a vocabulary are left out before one is drawn.</summary>
    public static bool IsFiltered(SamplingOptions sampling, int vocabulary) => sampling.TopK > 0 && sampling.TopK < vocabulary || sampling.TopP < 1 || sampling.MinP > 0;

    /// <summary>Top-k, then top-p over what is left, then min-p, in the order of Hugging Face's generation; ties go to the lower id.</summary>
    private (int Token, float Mass) DrawFiltered(ReadOnlySpan<float> logits, SamplingOptions sampling, float total, double uniform)
    {
        var limited = sampling.TopK > 0 && sampling.TopK < _vocabulary;
        if (!limited && sampling.TopP >= 1)
            return DrawLikelyEnough(sampling.MinP, uniform);

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

        while (kept > 1 && _weights.Pointer[_order[kept - 1]] < sampling.MinP)
            kept--;
        return DrawAmong(_order.AsSpan(0, kept), uniform);
    }

    // The likeliest token's weight is e^0, so min-p is a bound on the weights themselves.
    private (int Token, float Mass) DrawLikelyEnough(float minP, double uniform)
    {
        var count = 0;
        for (var token = 0; token < _vocabulary; token++)
        {
            if (_weights.Pointer[token] >= minP)
                _order[count++] = token;
        }

        return DrawAmong(_order.AsSpan(0, count), uniform);
    }

    private (int Token, float Mass) DrawAmong(ReadOnlySpan<int> candidates, double uniform)
    {
        var mass = Sum(candidates);
        var target = uniform * mass;
        foreach (var candidate in candidates)
        {
            if (target < _weights.Pointer[candidate])
                return (candidate, (float)mass);
            target -= _weights.Pointer[candidate];
        }

        return (candidates[^1], (float)mass);
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
