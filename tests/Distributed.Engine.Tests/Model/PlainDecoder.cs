using System.Runtime.CompilerServices;
using Distributed.Engine.Model;

namespace Distributed.Engine.Tests.Model;

/// <summary>The decoder written down plainly in float64, to check the fast one against. Parameters come as one flat array.</summary>
internal sealed class PlainDecoder(ModelConfig config, double[] parameters)
{
    private readonly ModelLayout _layout = new(config);

    /// <summary>log p of every token after the first, given those before it.</summary>
    public double[] LogProbs(ReadOnlySpan<int> tokens)
    {
        int hidden = config.HiddenSize, length = tokens.Length - 1;
        var x = new double[length][];
        for (var t = 0; t < length; t++)
            x[t] = parameters.AsSpan((int)_layout.Embedding + (tokens[t] * hidden), hidden).ToArray();
        foreach (var layer in _layout.Layers)
        {
            var attended = Attend(layer, [.. x.Select(row => Norm(row, layer.InputNorm))]);
            for (var t = 0; t < length; t++)
            {
                Add(x[t], Linear(attended[t], layer.Output, -1, hidden));
                var normed = Norm(x[t], layer.PostNorm);
                var gate = Linear(normed, layer.Gate, -1, config.IntermediateSize);
                var up = Linear(normed, layer.Up, -1, config.IntermediateSize);
                Add(x[t], Linear([.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)], layer.Down, -1, hidden));
            }
        }

        var logProbs = new double[length];
        for (var t = 0; t < length; t++)
        {
            var logits = Linear(Norm(x[t], _layout.FinalNorm), _layout.Head, -1, config.VocabularySize);
            var max = logits.Max();
            logProbs[t] = logits[tokens[t + 1]] - max - Math.Log(logits.Sum(v => Math.Exp(v - max)));
        }

        return logProbs;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double[][] Attend(LayerLayout layer, double[][] normed)
    {
        int size = config.HeadSize, length = normed.Length;
        var queries = new double[length][];
        var keys = new double[length][];
        var values = new double[length][];
        for (var t = 0; t < length; t++)
        {
            queries[t] = Turn(Linear(normed[t], layer.Query, layer.QueryBias, config.QueryWidth), layer.QueryNorm, t);
            keys[t] = Turn(Linear(normed[t], layer.Key, layer.KeyBias, config.KeyValueWidth), layer.KeyNorm, t);
            values[t] = Linear(normed[t], layer.Value, layer.ValueBias, config.KeyValueWidth);
        }

        var attended = new double[length][];
        for (var t = 0; t < length; t++)
        {
            attended[t] = new double[config.QueryWidth];
            for (var head = 0; head < config.Heads; head++)
            {
                var from = head / config.HeadsPerKeyValue * size;
                var scores = new double[t + 1];
                for (var s = 0; s <= t; s++)
                    for (var i = 0; i < size; i++)
                        scores[s] += queries[t][(head * size) + i] * keys[s][from + i] / Math.Sqrt(size);
                var max = scores.Max();
                var weights = scores.Select(v => Math.Exp(v - max)).ToArray();
                var sum = weights.Sum();
                for (var s = 0; s <= t; s++)
                    for (var i = 0; i < size; i++)
                        attended[t][(head * size) + i] += weights[s] / sum * values[s][from + i];
            }
        }

        return attended;
    }

    private double[] Turn(double[] row, long norm, int position)
    {
        int size = config.HeadSize, half = size / 2;
        var turned = new double[row.Length];
        for (var head = 0; head < row.Length; head += size)
        {
            var part = row.AsSpan(head, size).ToArray();
            if (norm >= 0)
                part = Norm(part, norm);
            for (var i = 0; i < half; i++)
            {
                var (sine, cosine) = Math.SinCos(position / Math.Pow(config.RopeTheta, 2.0 * i / size));
                turned[head + i] = (part[i] * cosine) - (part[i + half] * sine);
                turned[head + i + half] = (part[i + half] * cosine) + (part[i] * sine);
            }
        }

        return turned;
    }

    private double[] Norm(double[] row, long weight)
    {
        var r = 1 / Math.Sqrt(row.Average(v => v * v) + config.NormEpsilon);
        return [.. row.Select((v, i) => parameters[weight + i] * v * r)];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double[] Linear(double[] row, long weight, long bias, int outputs)
    {
        var y = new double[outputs];
        for (var o = 0; o < outputs; o++)
        {
            y[o] = bias < 0 ? 0 : parameters[bias + o];
            for (var i = 0; i < row.Length; i++)
                y[o] += parameters[weight + ((long)o * row.Length) + i] * row[i];
        }

        return y;
    }

    private static void Add(double[] to, double[] from)
    {
        for (var i = 0; i < to.Length; i++)
            to[i] += from[i];
    }
}
