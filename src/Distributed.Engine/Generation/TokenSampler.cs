using System.Runtime.Intrinsics;
using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>A drawn token and its recorded log-probability, nats.</summary>
internal readonly record struct Draw(int Token, float LogProb)
{
    /// <summary>Stands for "the logits were not finite".</summary>
    public static Draw Impossible { get; } = new(-1, float.NaN);
}

/// <summary>Draws tokens from rows of logits. Every sum runs in a fixed order over one row, so a row's draw depends on nothing else.</summary>
internal sealed class TokenSampler
{
    private const int Lanes = 16;
    private const int FirstLook = 256;

    private readonly float[] _weights;
    private readonly double[] _blockSums;
    private readonly int[] _order;
    private readonly int _vocabulary;

    /// <summary>A sampler with scratch memory for one row; used by one thread at a time.</summary>
    public TokenSampler(int vocabulary)
    {
        _vocabulary = vocabulary;
        var blocks = (vocabulary + Lanes - 1) / Lanes;
        _weights = new float[blocks * Lanes];
        _blockSums = new double[blocks];
        _order = new int[vocabulary];
    }

    /// <summary>Draws one token.</summary>
    /// <param name="logits">One row, as long as the vocabulary.</param>
    /// <param name="sampling">How to draw.</param>
    /// <param name="uniform">The random number to draw with, in [0, 1).</param>
    public Draw Sample(ReadOnlySpan<float> logits, SamplingOptions sampling, double uniform)
    {
        logits = logits[.._vocabulary];
        var best = Likeliest(logits);
        if (best < 0)
            return Draw.Impossible;
        if (sampling.Temperature == 0)
            return Finish(best, logits[best], logits[best], 1f, Weigh(logits, logits[best], 1f));

        var inverse = 1f / sampling.Temperature;
        var total = Weigh(logits, logits[best], inverse);
        if (sampling.TopK > 0 && sampling.TopK < _vocabulary || sampling.TopP < 1)
            return SampleFiltered(logits, sampling, inverse, best, uniform);

        var token = Walk(uniform * total);
        return Finish(token, logits[token], logits[best], inverse, total);
    }

    private static Draw Finish(int token, float logit, float highest, float inverse, double total) =>
        double.IsFinite(total) ? new Draw(token, (float)((logit - highest) * (double)inverse - Math.Log(total))) : Draw.Impossible;

    /// <summary>The highest logit's index, the lowest one of equals; -1 if any logit is not a finite number.</summary>
    private static int Likeliest(ReadOnlySpan<float> logits)
    {
        var best = 0;
        var probe = 0f;
        for (var i = 0; i < logits.Length; i++)
        {
            // 0 * x is 0 for finite x and NaN otherwise.
            probe += 0f * logits[i];
            if (logits[i] > logits[best])
                best = i;
        }

        return probe == 0 ? best : -1;
    }

    /// <summary>Fills the weights exp((logit - highest) / T) and their sums by blocks; returns the sum of all.</summary>
    private double Weigh(ReadOnlySpan<float> logits, float highest, float inverse)
    {
        var (top, scale) = (Vector512.Create(highest), Vector512.Create(inverse));
        var total = 0.0;
        for (var block = 0; block < _blockSums.Length; block++)
        {
            var start = block * Lanes;
            Vector512<float> row;
            if (start + Lanes <= logits.Length)
            {
                row = Vector512.Create(logits[start..]);
            }
            else
            {
                row = Vector512.Create(float.NegativeInfinity);
                for (var i = start; i < logits.Length; i++)
                    row = row.WithElement(i - start, logits[i]);
            }

            var weights = Vector512.Exp((row - top) * scale);
            weights.CopyTo(_weights, start);
            total += _blockSums[block] = Vector512.Sum(weights);
        }

        return total;
    }

    /// <summary>The token at which the running sum of weights passes the target: whole blocks first, then inside one.</summary>
    private int Walk(double target)
    {
        var block = 0;
        while (block < _blockSums.Length - 1 && target >= _blockSums[block])
            target -= _blockSums[block++];

        // Rounding may carry the target past the block's last token; the last one with any weight is taken then.
        var chosen = -1;
        for (var token = block * Lanes; token < Math.Min(_vocabulary, (block + 1) * Lanes); token++)
        {
            if (_weights[token] == 0)
                continue;
            chosen = token;
            if (target < _weights[token])
                break;
            target -= _weights[token];
        }

        return chosen >= 0 ? chosen : LastWithWeight(block);
    }

    private int LastWithWeight(int block)
    {
        var token = Math.Min(_vocabulary, (block + 1) * Lanes) - 1;
        while (token > 0 && _weights[token] == 0)
            token--;
        return token;
    }

    /// <summary>Top-k, then top-p over what is left, as Hugging Face's generation does; ties go to the lower id.</summary>
    private Draw SampleFiltered(ReadOnlySpan<float> logits, SamplingOptions sampling, float inverse, int best, double uniform)
    {
        var limited = sampling.TopK > 0 && sampling.TopK < _vocabulary;
        var considered = limited ? sampling.TopK : Math.Min(_vocabulary, FirstLook);
        int kept;
        double mass;
        while (true)
        {
            var order = _order.AsSpan(0, considered);
            LikeliestTokens.Select(logits, order);
            var needed = sampling.TopP * (limited ? Sum(order) : Sum(_blockSums));
            (kept, mass) = Cut(order, needed);
            if (mass >= needed || limited || considered == _vocabulary)
                break;

            // Most of the mass is usually in few tokens; it was not, so look at more of them.
            considered = (int)Math.Min(_vocabulary, considered * 8L);
        }

        var target = uniform * mass;
        var token = best;
        foreach (var candidate in _order.AsSpan(0, kept))
        {
            if (_weights[candidate] == 0)
                break;
            token = candidate;
            if (target < _weights[candidate])
                break;
            target -= _weights[candidate];
        }

        return Finish(token, logits[token], logits[best], inverse, mass);
    }

    /// <summary>How many of the likeliest tokens are needed to reach a mass, and the mass they have.</summary>
    private (int Kept, double Mass) Cut(ReadOnlySpan<int> order, double needed)
    {
        var mass = 0.0;
        for (var i = 0; i < order.Length; i++)
        {
            mass += _weights[order[i]];
            if (mass >= needed)
                return (i + 1, mass);
        }

        return (order.Length, mass);
    }

    private double Sum(ReadOnlySpan<int> order)
    {
        var sum = 0.0;
        foreach (var token in order)
            sum += _weights[token];
        return sum;
    }

    private static double Sum(double[] values)
    {
        var sum = 0.0;
        foreach (var value in values)
            sum += value;
        return sum;
    }
}
