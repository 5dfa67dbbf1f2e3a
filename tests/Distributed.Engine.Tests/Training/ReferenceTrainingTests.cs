using Distributed.Engine.Formats;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Tests.Model;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Training;

public sealed class ReferenceTrainingTests
{
    private static readonly OptimizerOptions s_options = new(1e-3f);

    [Theory]
    [InlineData("llama", 1)]
    [InlineData("llama", 3)]
    [InlineData("llama3", 2)]
    [InlineData("qwen2", 2)]
    [InlineData("qwen3", 2)]
    public void Loss_entropy_and_gradients_equal_the_reference(string name, int threads)
    {
        var fixture = new ModelFixture(name);
        using var weights = ModelFolder.Load(fixture.Folder);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(threads);
        using var trainer = new Trainer(model, pool);
        var request = Request(fixture, s_options);
        var gradient = new float[weights.Count];
        var norm = trainer.Accumulate(request, gradient, out var loss);
        loss.ShouldBe(fixture["loss"].GetDouble(), 1e-5);
        loss.ShouldBe(fixture["loss_hf_labels_rightpadded"].GetDouble(), 1e-5);
        (norm / fixture["grad_norm_total"].GetDouble()).ShouldBe(1, 1e-4);

        foreach (var entry in fixture["grad_norm_per_param"].EnumerateObject())
        {
            var own = Part(weights, gradient, entry.Name);
            Math.Sqrt(own.Sum(v => (double)v * v)).ShouldBe(entry.Value.GetDouble(), 1e-4 * entry.Value.GetDouble(), entry.Name);
        }

        foreach (var entry in fixture["grads"].EnumerateObject())
        {
            var file = entry.Value.GetProperty("file").GetString()!;
            if (!File.Exists(Path.Combine(fixture.Folder, file)))
                continue;
            var wanted = fixture.Floats(file);
            var own = Part(weights, gradient, entry.Name);
            double error = 0, size = 0;
            for (var i = 0; i < wanted.Length; i++)
            {
                error += Math.Pow(own[i] - wanted[i], 2);
                size += Math.Pow(wanted[i], 2);
                ((double)own[i]).ShouldBe(wanted[i], 1e-5, $"{entry.Name} {i}");
            }

            Math.Sqrt(error / size).ShouldBeLessThan(1e-4, entry.Name);
        }

        var reply = trainer.Step(request);
        var entropies = fixture["entropy"].EnumerateArray().SelectMany(list => ModelFixture.Doubles(list).SkipLast(1)).ToArray();
        reply.Entropy.ShouldBe(entropies.Average(), 1e-4);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Optimizer_steps_equal_the_reference(string name)
    {
        var fixture = new ModelFixture(name);
        using var weights = ModelFolder.Load(fixture.Folder);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(2);
        using var trainer = new Trainer(model, pool);
        var losses = ModelFixture.Doubles(fixture["adamw_losses"]);
        var norms = ModelFixture.Doubles(fixture["adamw_preclip_grad_norms_steps2to6"]);
        for (var step = 0; step < losses.Length; step++)
        {
            var reply = trainer.Step(Request(fixture, s_options with { MaxGradNorm = step == 0 ? 0 : 1 }));
            reply.Applied.ShouldBeTrue();
            (reply.Loss / losses[step]).ShouldBe(1, 1e-4, $"step {step}");
            if (step > 0 && step <= norms.Length)
                (reply.GradNorm / norms[step - 1]).ShouldBe(1, 1e-3, $"step {step}");
            if (step == 0)
                CompareFirstStep(fixture, weights);
        }
    }

    private static void CompareFirstStep(ModelFixture fixture, ModelWeights weights)
    {
        foreach (var entry in fixture["adamw_step1"].EnumerateObject())
        {
            var file = entry.Value.GetProperty("file").GetString()!;
            var gradientFile = $"grad.{entry.Name}.f32";
            if (!File.Exists(Path.Combine(fixture.Folder, file)) || !File.Exists(Path.Combine(fixture.Folder, gradientFile)))
                continue;
            var wanted = fixture.Floats(file);
            var gradient = fixture.Floats(gradientFile);
            var own = weights.Tensor(entry.Name);
            for (var i = 0; i < wanted.Length; i++)
                if (gradient[i] == 0 || Math.Abs(gradient[i]) > 1e-5)
                    ((double)own[i]).ShouldBe(wanted[i], 2e-6, $"{entry.Name} {i}");
        }
    }

    private static TrainRequest Request(ModelFixture fixture, OptimizerOptions options)
    {
        var sequences = fixture.Inputs.Select(ids => new TrainSequence(ids, Enumerable.Range(1, ids.Length - 1).ToArray())).ToArray();
        return new TrainRequest(sequences, new MeanLoss(sequences.Sum(s => s.Targets.Length)), options);
    }

    private static float[] Part(ModelWeights weights, float[] flat, string name)
    {
        var tensor = weights.Layout.IndexOf(name);
        return flat.AsSpan((int)weights.Layout.OffsetOf(tensor), (int)weights.Tensors[tensor].ElementCount).ToArray();
    }
}
