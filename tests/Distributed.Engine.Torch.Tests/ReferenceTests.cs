using Distributed.Engine.Tests.Model;
using Distributed.Engine.Tests.Training;
using Distributed.Engine.Torch.Hosting;
using Distributed.Engine.Torch.Model;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Tests;

/// <summary>Reference models, against the numbers of Hugging Face's own code.</summary>
public sealed class ReferenceTests
{
    [TorchTheory]
    [InlineData("llama", 1e-4)]
    [InlineData("llama/bf16", 1e-4)]
    [InlineData("llama3", 1e-4)]
    [InlineData("qwen2", 2e-4)]
    [InlineData("qwen2/bf16", 2e-4)]
    [InlineData("qwen3", 1e-4)]
    [InlineData("qwen3/bf16", 1e-4)]
    public void Logits_equal_the_reference(string name, double tolerance)
    {
        var fixture = new ModelFixture(name);
        using var engine = TorchFixture.Open(fixture);
        var logits = Logits(engine, fixture.Inputs);
        var at = 0;
        for (var i = 0; i < fixture.Inputs.Length; i++)
        {
            var wanted = fixture.Floats($"logits_{i}.f32");
            TorchFixture.Difference(logits.AsSpan(at, wanted.Length), wanted).ShouldBeLessThan(tolerance);
            at += wanted.Length;
        }
    }

    [TorchTheory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Log_probabilities_equal_the_reference(string name)
    {
        var fixture = new ModelFixture(name);
        using var engine = TorchFixture.Open(fixture);
        var longest = ModelFixture.Ints(fixture["long"].GetProperty("input_ids"));
        var reply = engine.LogProbs([.. fixture.Inputs.Append(longest).Select(ids => TorchFixture.Whole(ids))]);
        reply.Error.ShouldBeNull();
        for (var i = 0; i < 2; i++)
        {
            var wanted = ModelFixture.Doubles(fixture["token_logprobs"][i]);
            TorchFixture.Difference(reply.LogProbs[i].Span, [.. wanted.Select(value => (float)value)]).ShouldBeLessThan(5e-5);
        }

        reply.LogProbs[2].ToArray().Sum(value => (double)value).ShouldBe(fixture["long"].GetProperty("sum_logprob").GetDouble(), 2e-3);
    }

    [TorchTheory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Loss_and_gradients_equal_the_reference_and_every_parameter_has_one(string name)
    {
        var fixture = new ModelFixture(name);
        using var engine = TorchFixture.Open(fixture);
        var trainer = engine.Core.Trainer;
        var record = trainer.Accumulate(Request(fixture, 0), out _)!;
        record.Losses.Sum().ShouldBe(fixture["loss"].GetDouble(), 1e-5);
        var parameters = engine.Core.Model.Trained;
        fixture["grad_norm_per_param"].EnumerateObject().Count().ShouldBe(parameters.Tensors.Count);
        foreach (var entry in fixture["grad_norm_per_param"].EnumerateObject())
        {
            var own = Gradient(parameters, entry.Name);
            own.ShouldContain(value => value != 0, entry.Name);
            Math.Sqrt(own.Sum(v => (double)v * v)).ShouldBe(entry.Value.GetDouble(), 1e-4 * entry.Value.GetDouble(), entry.Name);
        }

        foreach (var entry in fixture["grads"].EnumerateObject())
        {
            var file = entry.Value.GetProperty("file").GetString()!;
            if (File.Exists(Path.Combine(fixture.Folder, file)))
                TorchFixture.Difference(Gradient(parameters, entry.Name), fixture.Floats(file)).ShouldBeLessThan(1e-5, entry.Name);
        }
    }

    [TorchTheory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Optimizer_steps_equal_the_reference(string name)
    {
        var fixture = new ModelFixture(name);
        using var engine = TorchFixture.Open(fixture);
        var losses = ModelFixture.Doubles(fixture["adamw_losses"]);
        var norms = ModelFixture.Doubles(fixture["adamw_preclip_grad_norms_steps2to6"]);
        for (var step = 0; step < losses.Length; step++)
        {
            var reply = engine.Train(Request(fixture, step == 0 ? 0 : 1));
            reply.Applied.ShouldBeTrue();
            (reply.Loss / losses[step]).ShouldBe(1, 1e-4, $"step {step}");
            if (step > 0 && step <= norms.Length)
                (reply.GradNorm / norms[step - 1]).ShouldBe(1, 1e-3, $"step {step}");
        }
    }

    [TorchTheory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Greedy_tokens_are_the_reference_ones_alone_and_together(string name)
    {
        var fixture = new ModelFixture(name);
        using var engine = TorchFixture.Open(fixture);
        var greedy = fixture["greedy"];
        var expected = ModelFixture.Ints(greedy.GetProperty("tokens"));
        var reply = engine.Generate(TorchFixture.Request(1, ModelFixture.Ints(greedy.GetProperty("prompt")), expected.Length, SamplingOptions.Greedy));
        reply.Error.ShouldBeNull();
        reply.Tokens.ToArray().ShouldBe(expected);

        var batch = fixture["greedy_batch_leftpad"];
        var prompts = batch.GetProperty("prompts").EnumerateArray().Select(ModelFixture.Ints).ToArray();
        var wanted = batch.GetProperty("tokens").EnumerateArray().Select(ModelFixture.Ints).ToArray();
        var replies = new GenerateReply[prompts.Length];
        using var done = new CountdownEvent(prompts.Length);
        for (var i = 0; i < prompts.Length; i++)
        {
            var index = i;
            engine.Generate(TorchFixture.Request(10 + i, prompts[i], wanted[i].Length, SamplingOptions.Greedy), answer =>
            {
                replies[index] = answer;
                done.Signal();
            });
        }

        done.Wait(TorchFixture.Limit).ShouldBeTrue();
        for (var i = 0; i < prompts.Length; i++)
            replies[i].Tokens.ToArray().ShouldBe(wanted[i]);
    }

    private static TrainRequest Request(ModelFixture fixture, float clip)
    {
        var sequences = fixture.Inputs.Select(ids => TorchFixture.Whole(ids)).ToArray();
        return new TrainRequest(sequences, new MeanLoss(sequences.Sum(s => s.Targets.Length)), new OptimizerOptions(1e-3f, MaxGradNorm: clip));
    }

    private static float[] Gradient(TorchParameters parameters, string name)
    {
        using var scope = NewDisposeScope();
        return parameters.GradientOf(name).detach().cpu().contiguous().data<float>().ToArray();
    }

    private static float[] Logits(TorchPolicyEngine engine, int[][] inputs)
    {
        using var quiet = no_grad();
        using var scope = NewDisposeScope();
        var (pass, model) = (new PackedPass(), engine.Core.Model);
        foreach (var ids in inputs)
        {
            var start = pass.AddTrunk(ids);
            for (var i = 0; i < ids.Length; i++)
                pass.AddTarget(start + i, 0);
        }

        using var attention = new PackedAttention(pass, model.Device);
        var hidden = model.Decoder.Forward(pass.Tokens(model.Device), pass.Positions(model.Device), attention, pass.TargetRows(model.Device));
        return model.Head.Logits(hidden).cpu().contiguous().data<float>().ToArray();
    }
}
