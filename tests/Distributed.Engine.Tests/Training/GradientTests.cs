using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Tests.Model;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Training;

public sealed class GradientTests
{
    [Theory]
    [InlineData(ModelFamily.Llama, true)]
    [InlineData(ModelFamily.Llama, false)]
    [InlineData(ModelFamily.Qwen2, true)]
    [InlineData(ModelFamily.Qwen3, false)]
    public unsafe void Gradients_of_every_tensor_equal_central_differences_of_a_float64_forward(ModelFamily family, bool tied)
    {
        var config = TinyModels.Config(family, tied);
        using var weights = TinyModels.Weights(config, 21);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(2);
        using var trainer = new Trainer(model, pool);
        var random = new Random(22);
        var sequences = new[] { 2, 9, 21, 45 }.Select(length => RandomSequence(random, length)).ToArray();
        var loss = new FunctionLoss(CurvedLoss);
        var gradient = new float[weights.Count];
        trainer.Accumulate(new TrainRequest(sequences, loss, new OptimizerOptions(0)), gradient, out var total);

        var parameters = new ReadOnlySpan<float>(weights.Pointer, (int)weights.Count).ToArray().Select(v => (double)v).ToArray();
        total.ShouldBe(PlainLoss(config, parameters, sequences), 1e-4);
        var norm = Math.Sqrt(gradient.Sum(v => (double)v * v));
        for (var tensor = 0; tensor < weights.Tensors.Count; tensor++)
        {
            var start = (int)weights.Layout.OffsetOf(tensor);
            var length = (int)weights.Tensors[tensor].ElementCount;
            var direction = new double[length];
            for (var i = 0; i < length; i++)
                direction[i] = random.NextDouble() - 0.5;
            var size = Math.Sqrt(direction.Sum(v => v * v));
            double along = 0;
            for (var i = 0; i < length; i++)
                along += gradient[start + i] * direction[i] / size;

            const double Step = 1e-4;
            var up = PlainLoss(config, Moved(Step), sequences);
            var down = PlainLoss(config, Moved(-Step), sequences);
            along.ShouldBe((up - down) / (2 * Step), 2e-5 * norm, weights.Tensors[tensor].Name);
            gradient.AsSpan(start, length).ToArray().ShouldContain(v => v != 0, weights.Tensors[tensor].Name);

            double[] Moved(double step)
            {
                var moved = parameters.ToArray();
                for (var i = 0; i < length; i++)
                    moved[start + i] += step * direction[i] / size;
                return moved;
            }
        }
    }

    // A loss whose gradient depends on the log-probabilities, on the sequence and on the place.
    private static double CurvedLoss(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
    {
        double loss = 0;
        for (var i = 0; i < logProbs.Length; i++)
        {
            var weight = 0.3 + (0.1 * sequence) - (0.01 * i);
            loss += weight * Math.Exp(0.2 * logProbs[i]);
            gradient[i] = (float)(weight * 0.2 * Math.Exp(0.2 * logProbs[i]));
        }

        return loss;
    }

    private static TrainSequence RandomSequence(Random random, int length)
    {
        var targets = Enumerable.Range(1, length - 1).Where(_ => random.Next(3) == 0).ToList();
        if (targets.Count == 0)
            targets.Add(1);
        return new TrainSequence(TinyModels.Tokens(random, length, 37), targets.ToArray());
    }

    private static double PlainLoss(ModelConfig config, double[] parameters, TrainSequence[] sequences)
    {
        var decoder = new PlainDecoder(config, parameters);
        double total = 0;
        for (var i = 0; i < sequences.Length; i++)
        {
            var all = decoder.LogProbs(sequences[i].Tokens.Span);
            var targets = sequences[i].Targets.ToArray();
            for (var j = 0; j < targets.Length; j++)
            {
                var weight = 0.3 + (0.1 * i) - (0.01 * j);
                total += weight * Math.Exp(0.2 * all[targets[j] - 1]);
            }
        }

        return total;
    }
}
