using Distributed.Engine.Adapters;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Engine.Tests.Model;
using Distributed.Engine.Tests.Training;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Adapters;

public sealed unsafe class AdapterTrainingTests
{
    [Theory]
    [InlineData(ModelFamily.Llama, true)]
    [InlineData(ModelFamily.Qwen2, false)]
    [InlineData(ModelFamily.Qwen3, true)]
    public void Gradients_of_every_adapter_tensor_equal_central_differences_of_a_float64_forward(ModelFamily family, bool tied)
    {
        var config = TinyModels.Config(family, tied);
        using var weights = TinyModels.Weights(config, 31);
        using var model = new PackedModel(weights);
        using var adapter = AdapterFixture.Noise(config, AdapterFixture.Everywhere, 32).ToWeights(config);
        using var pool = new ComputePool(2);
        using var trainer = new Trainer(model, pool, new PackedAdapter(model, adapter));
        var random = new Random(33);
        var sequences = new[] { 2, 9, 21 }.Select(length => new TrainSequence(TinyModels.Tokens(random, length, 37), Enumerable.Range(1, length - 1).Where(t => t % 2 == 1).ToArray())).ToArray();
        var gradient = new float[adapter.Count];
        trainer.Accumulate(new TrainRequest(sequences, new MeanLoss(7), new OptimizerOptions(0)), gradient, out var loss);
        loss.ShouldBe(PlainLoss(weights, adapter, sequences), 1e-4);

        var norm = Math.Sqrt(gradient.Sum(v => (double)v * v));
        var kept = adapter.Span.ToArray();
        var start = 0;
        foreach (var tensor in adapter.Tensors)
        {
            var length = (int)tensor.ElementCount;
            var direction = Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5).ToArray();
            var size = Math.Sqrt(direction.Sum(v => v * v));
            double along = 0;
            for (var i = 0; i < length; i++)
                along += gradient[start + i] * direction[i] / size;
            const double Step = 2e-3;
            var (up, down) = (Moved(Step), Moved(-Step));
            kept.CopyTo(adapter.Span);
            along.ShouldBe((up - down) / (2 * Step), 1e-4 * norm, tensor.Name);
            gradient.AsSpan(start, length).ToArray().ShouldContain(v => v != 0, tensor.Name);
            start += length;

            double Moved(double step)
            {
                for (var i = 0; i < length; i++)
                    adapter.Span[start + i] = (float)(kept[start + i] + (step * direction[i] / size));
                return PlainLoss(weights, adapter, sequences);
            }
        }
    }

    [Fact]
    public void A_model_with_an_adapter_says_what_the_merged_model_says()
    {
        foreach (var family in Enum.GetValues<ModelFamily>())
        {
            var config = TinyModels.Config(family);
            using var weights = TinyModels.Weights(config, 41);
            using var adapter = AdapterFixture.Noise(config, AdapterFixture.Everywhere, 42).ToWeights(config);
            using var merged = new ModelWeights(config);
            weights.Span.CopyTo(merged.Span);
            adapter.MergeInto(merged);
            using var plain = new PackedModel(weights);
            using var adapted = new PackedModel(weights);
            using var whole = new PackedModel(merged);
            _ = new PackedAdapter(adapted, adapter);
            var (own, wanted, without) = (LogProbs(adapted), LogProbs(whole), LogProbs(plain));
            for (var i = 0; i < own.Length; i++)
                own[i].ShouldBe(wanted[i], 2e-4f, $"{family} {i}");
            own.Zip(without).Max(pair => Math.Abs(pair.First - pair.Second)).ShouldBeGreaterThan(0.1f);
        }
    }

    [Fact]
    public void Training_an_adapter_lowers_the_loss_and_leaves_the_model_as_it_was_to_the_bit()
    {
        var config = TinyModels.Config(ModelFamily.Qwen2);
        using var weights = TinyModels.Weights(config, 51);
        var before = weights.Span.ToArray();
        using var model = new PackedModel(weights);
        using var adapter = LowRankAdapter.Random(config, new LoraOptions { Rank = 4, TargetModules = LoraOptions.KnownModules }, 52).ToWeights(config);
        var packed = new PackedAdapter(model, adapter);
        using var pool = new ComputePool(2);
        using var trainer = new Trainer(model, pool, packed);
        var sequence = new TrainSequence(TinyModels.Tokens(new Random(53), 30, 37), Enumerable.Range(1, 29).ToArray());
        var losses = Enumerable.Range(0, 25).Select(_ => trainer.Step(new TrainRequest([sequence], new MeanLoss(29), new OptimizerOptions(0.02f))).Loss).ToArray();
        losses[^1].ShouldBeLessThan(0.3 * losses[0]);
        weights.Span.SequenceEqual(before).ShouldBeTrue();
        trainer.ReadOptimizer().FirstMoment.Length.ShouldBe((int)adapter.ByteCount);
        adapter.Count.ShouldBeLessThan(weights.Count / 2);
    }

    private static float[] LogProbs(PackedModel model)
    {
        using var pool = new ComputePool(1);
        using var scorer = new SequenceScorer(model, pool);
        var reply = scorer.LogProbs([new TrainSequence(TinyModels.Tokens(new Random(5), 40, 37), Enumerable.Range(1, 39).ToArray())]);
        reply.Error.ShouldBeNull();
        return reply.LogProbs[0].ToArray();
    }

    private static double PlainLoss(ModelWeights weights, AdapterWeights adapter, TrainSequence[] sequences)
    {
        var parameters = new double[weights.Count];
        for (var i = 0; i < parameters.Length; i++)
            parameters[i] = weights.Span[i];
        foreach (var matrix in adapter.Layout.Matrices)
        {
            var at = weights.Layout.OffsetOf(weights.Layout.IndexOf(matrix.Module.Name + ".weight"));
            for (var row = 0; row < matrix.Outputs; row++)
                for (var i = 0; i < matrix.Inputs; i++)
                    for (var r = 0; r < matrix.Rank; r++)
                        parameters[at + ((long)row * matrix.Inputs) + i] +=
                            (double)matrix.Scale * adapter.Pointer[matrix.B + (row * matrix.Rank) + r] * adapter.Pointer[matrix.A + (r * matrix.Inputs) + i];
        }

        var decoder = new PlainDecoder(weights.Config, parameters);
        return sequences.Sum(sequence =>
        {
            var all = decoder.LogProbs(sequence.Tokens.Span);
            return -sequence.Targets.ToArray().Sum(target => all[target - 1]) / 7;
        });
    }
}
