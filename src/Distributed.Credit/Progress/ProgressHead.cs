using System.Buffers.Binary;

namespace Distributed.Credit;

/// <summary>
/// Splits a rollout's outcome over its turns: c_t = v . tanh(W x_t + b) + a, x_t the policy's hidden state after turn t, trained so that the
/// sum of c_t over all turns is the outcome (mean squared error, Adam; SPA-RL 2505.20732, whose estimator is a small network on the
/// policy's hidden states too). Double precision; the same inputs give the same weights.
/// </summary>
public sealed class ProgressHead
{
    private const int Magic = 0x31475250; // "PRG1"
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;

    private readonly ProgressOptions _options;
    private readonly double[] _weights; // W [h, d], b [h], v [h], a
    private readonly double[] _first;
    private readonly double[] _second;
    private long _step;

    /// <summary>A head with random weights; before training every contribution is 0.</summary>
    /// <param name="options">Options.</param>
    /// <param name="features">d, the width of the hidden states.</param>
    public ProgressHead(ProgressOptions options, int features)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        options.Validate();
        _options = options;
        Features = features;
        var units = options.HiddenUnits;
        _weights = new double[units * features + 2 * units + 1];
        (_first, _second) = (new double[_weights.Length], new double[_weights.Length]);
        var random = new Random(options.Seed);
        for (var i = 0; i < units * features; i++) _weights[i] = (2 * random.NextDouble() - 1) / Math.Sqrt(features);
    }

    /// <summary>d, the width of the hidden states.</summary>
    public int Features { get; }

    /// <summary>The contribution of every turn of every rollout.</summary>
    /// <param name="rollouts">Per rollout its turns' hidden states one after another: [turns * d].</param>
    /// <exception cref="CreditException">A rollout's states are no multiple of d, or not finite.</exception>
    public double[][] Attribute(IReadOnlyList<ReadOnlyMemory<float>> rollouts)
    {
        ArgumentNullException.ThrowIfNull(rollouts);
        var activations = new double[_options.HiddenUnits];
        return [.. rollouts.Select((states, r) =>
        {
            Require(states.Span, r);
            var contributions = new double[states.Length / Features];
            for (var t = 0; t < contributions.Length; t++) contributions[t] = Contribution(states.Span.Slice(t * Features, Features), activations);
            return contributions;
        })];
    }

    /// <summary>Trains on rollouts and their outcomes; answers the mean squared error before the last pass.</summary>
    /// <param name="rollouts">As for <see cref="Attribute"/>.</param>
    /// <param name="outcomes">R of each rollout.</param>
    public double Train(IReadOnlyList<ReadOnlyMemory<float>> rollouts, IReadOnlyList<double> outcomes)
    {
        ArgumentNullException.ThrowIfNull(rollouts);
        ArgumentNullException.ThrowIfNull(outcomes);
        if (rollouts.Count != outcomes.Count) throw new CreditException($"the progress head got {rollouts.Count} rollouts and {outcomes.Count} outcomes; give one outcome each");
        var loss = 0.0;
        if (rollouts.Count == 0) return loss;
        for (var epoch = 0; epoch < _options.Epochs; epoch++)
        {
            loss = Error(rollouts, outcomes, out var gradient);
            _step++;
            var (correct1, correct2) = (1 - Math.Pow(Beta1, _step), 1 - Math.Pow(Beta2, _step));
            for (var i = 0; i < gradient.Length; i++)
            {
                _first[i] = Beta1 * _first[i] + (1 - Beta1) * gradient[i];
                _second[i] = Beta2 * _second[i] + (1 - Beta2) * gradient[i] * gradient[i];
                _weights[i] -= _options.LearningRate * (_first[i] / correct1) / (Math.Sqrt(_second[i] / correct2) + Epsilon);
            }
        }

        return loss;
    }

    /// <summary>Weights and Adam's state, little-endian, to be given to <see cref="Load"/>.</summary>
    public byte[] Save()
    {
        var bytes = new byte[16 + 24 * _weights.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), _weights.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), _step);
        var at = 16;
        foreach (var values in (double[][])[_weights, _first, _second])
        {
            foreach (var value in values)
            {
                BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(at), value);
                at += 8;
            }
        }

        return bytes;
    }

    /// <summary>Takes over what <see cref="Save"/> gave.</summary>
    /// <exception cref="CreditException">It is of another shape.</exception>
    public void Load(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != 16 + 24 * _weights.Length || BinaryPrimitives.ReadInt32LittleEndian(bytes) != Magic || BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]) != _weights.Length)
            throw new CreditException($"the saved progress head has {bytes.Length} bytes, one of {_options.HiddenUnits} hidden units over {Features} features has {16 + 24 * _weights.Length}; resume with the options of the run");
        _step = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        var at = 16;
        foreach (var values in (double[][])[_weights, _first, _second])
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = BinaryPrimitives.ReadDoubleLittleEndian(bytes[at..]);
                at += 8;
            }
        }
    }

    /// <summary>Mean squared error of the sums, and its gradient by every weight in the order of <see cref="Save"/>.</summary>
    /// <param name="rollouts">As for <see cref="Attribute"/>.</param>
    /// <param name="outcomes">R of each rollout.</param>
    /// <param name="gradient">Out: d error / d weight.</param>
    public double Error(IReadOnlyList<ReadOnlyMemory<float>> rollouts, IReadOnlyList<double> outcomes, out double[] gradient)
    {
        ArgumentNullException.ThrowIfNull(rollouts);
        ArgumentNullException.ThrowIfNull(outcomes);
        gradient = new double[_weights.Length];
        var units = _options.HiddenUnits;
        var (bias, output) = (units * Features, units * Features + units);
        var activations = new double[units];
        var loss = 0.0;
        for (var r = 0; r < rollouts.Count; r++)
        {
            var states = rollouts[r].Span;
            Require(states, r);
            var turns = states.Length / Features;
            var sum = 0.0;
            for (var t = 0; t < turns; t++) sum += Contribution(states.Slice(t * Features, Features), activations);
            var error = sum - outcomes[r];
            loss += error * error / rollouts.Count;
            var slope = 2 * error / rollouts.Count;
            for (var t = 0; t < turns; t++)
            {
                var x = states.Slice(t * Features, Features);
                Contribution(x, activations);
                gradient[^1] += slope;
                for (var u = 0; u < units; u++)
                {
                    gradient[output + u] += slope * activations[u];
                    var inner = slope * _weights[output + u] * (1 - activations[u] * activations[u]);
                    gradient[bias + u] += inner;
                    for (var i = 0; i < x.Length; i++) gradient[u * Features + i] += inner * x[i];
                }
            }
        }

        return loss;
    }

    private double Contribution(ReadOnlySpan<float> x, double[] activations)
    {
        var units = _options.HiddenUnits;
        var (bias, output) = (units * Features, units * Features + units);
        var sum = _weights[^1];
        for (var u = 0; u < units; u++)
        {
            var z = _weights[bias + u];
            var row = _weights.AsSpan(u * Features, Features);
            for (var i = 0; i < x.Length; i++) z += row[i] * x[i];
            activations[u] = Math.Tanh(z);
            sum += _weights[output + u] * activations[u];
        }

        return sum;
    }

    private void Require(ReadOnlySpan<float> states, int rollout)
    {
        if (states.Length % Features != 0) throw new CreditException($"rollout {rollout} has {states.Length} numbers of hidden states, which is no multiple of {Features}");
        foreach (var value in states)
        {
            if (!float.IsFinite(value)) throw new CreditException($"rollout {rollout} has a hidden state that is not finite; leave it out");
        }
    }
}
