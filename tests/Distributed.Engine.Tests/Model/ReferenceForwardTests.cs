using Distributed.Engine.Formats;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Model;

public sealed unsafe class ReferenceForwardTests
{
    [Theory]
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
        var logits = Logits(fixture, fixture.Inputs).SelectMany(row => row).ToArray();
        var at = 0;
        for (var i = 0; i < fixture.Inputs.Length; i++)
            foreach (var wanted in fixture.Floats($"logits_{i}.f32"))
                ((double)logits[at++]).ShouldBe(wanted, tolerance);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Log_probabilities_equal_the_reference(string name)
    {
        var fixture = new ModelFixture(name);
        using var weights = ModelFolder.Load(fixture.Folder);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(2);
        using var scorer = new SequenceScorer(model, pool);
        var inputs = fixture.Inputs.Append(ModelFixture.Ints(fixture["long"].GetProperty("input_ids"))).ToArray();
        var reply = scorer.LogProbs([.. inputs.Select(ids => new TrainSequence(ids, Enumerable.Range(1, ids.Length - 1).ToArray()))]);
        reply.Error.ShouldBeNull();
        for (var i = 0; i < 2; i++)
        {
            var wanted = ModelFixture.Doubles(fixture["token_logprobs"][i]);
            reply.LogProbs[i].Length.ShouldBe(wanted.Length);
            for (var t = 0; t < wanted.Length; t++)
                ((double)reply.LogProbs[i].Span[t]).ShouldBe(wanted[t], 5e-5);
        }

        var sum = 0.0;
        foreach (var value in reply.LogProbs[2].Span)
            sum += value;
        sum.ShouldBe(fixture["long"].GetProperty("sum_logprob").GetDouble(), 2e-3);
    }

    [Theory]
    [InlineData("llama", 1e-4)]
    [InlineData("llama3", 1e-4)]
    [InlineData("qwen2", 2e-4)]
    [InlineData("qwen3", 1e-4)]
    public void A_long_sequence_and_rows_of_a_padded_batch_have_the_reference_logits(string name, double tolerance)
    {
        var fixture = new ModelFixture(name);
        var longOne = ModelFixture.Ints(fixture["long"].GetProperty("input_ids"));
        var last = Logits(fixture, [longOne])[^1];
        fixture.Floats("logits_long_last.f32").Select(v => (double)v).ToArray().ShouldBe(last.Select(v => (double)v).ToArray(), tolerance);

        // What others fill up with padding goes back to back here; the rows of each sequence must be the same all the same.
        var batch = Logits(fixture, fixture.Inputs);
        foreach (var side in new[] { "left", "right" })
        {
            var wanted = fixture.Floats($"logits_pad{side}_row0.f32");
            for (var i = 0; i < wanted.Length; i++)
                ((double)batch[i / 259][i % 259]).ShouldBe(wanted[i], tolerance, $"{side} {i}");
        }
    }

    private static float[][] Logits(ModelFixture fixture, int[][] inputs)
    {
        using var weights = ModelFolder.Load(fixture.Folder);
        using var model = new PackedModel(weights);
        using var activations = new Activations(weights.Config, keepAll: false);
        var plan = new RowPlan();
        foreach (var ids in inputs)
        {
            var start = plan.AddTrunk(ids);
            for (var i = 0; i < ids.Length; i++)
                plan.Activate(start + i);
        }

        plan.Seal();
        Decoder.Forward(model, plan, activations);
        var vocabulary = weights.Config.VocabularySize;
        using var logits = new FloatBuffer(plan.Rows * vocabulary);
        Gemm.Multiply(activations.Final, weights.Config.HiddenSize, plan.Rows, model.Head, logits.Pointer, vocabulary);
        return [.. logits.Span.ToArray().Chunk(vocabulary)];
    }

    [Fact]
    public void Stretched_rotary_frequencies_equal_the_real_ones()
    {
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(ModelFixture.Root, "rope_llama3_inv_freq.json")));
        foreach (var entry in json.RootElement.EnumerateObject())
        {
            if (!entry.Value.TryGetProperty("rope_scaling", out var scaling))
                continue;
            var wanted = ModelFixture.Doubles(entry.Value.GetProperty("inv_freq"));
            var config = new ModelConfig
            {
                HiddenSize = 64, Layers = 1, Heads = 1, KeyValueHeads = 1, HeadSize = wanted.Length * 2, IntermediateSize = 1, VocabularySize = 1,
                MaxPositions = 1, RopeTheta = entry.Value.GetProperty("rope_theta").GetDouble(),
                RopeScaling = new Llama3RopeScaling(
                    scaling.GetProperty("factor").GetDouble(), scaling.GetProperty("low_freq_factor").GetDouble(),
                    scaling.GetProperty("high_freq_factor").GetDouble(), scaling.GetProperty("original_max_position_embeddings").GetInt32()),
            };
            var frequencies = RotaryTable.InverseFrequencies(config);
            for (var i = 0; i < wanted.Length; i++)
                (frequencies[i] / wanted[i]).ShouldBe(1, 1e-6, $"{entry.Name} {i}");
        }
    }
}
