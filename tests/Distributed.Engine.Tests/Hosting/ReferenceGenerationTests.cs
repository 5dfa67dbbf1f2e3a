using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Tests.Generation;
using Distributed.Engine.Tests.Model;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Hosting;

/// <summary>Greedy decoding of reference models, against what Hugging Face's own code generated.</summary>
public sealed class ReferenceGenerationTests
{
    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("llama/bf16")]
    [InlineData("qwen2/bf16")]
    [InlineData("qwen3/bf16")]
    public void Greedy_tokens_and_their_log_probabilities_are_the_reference_ones(string name)
    {
        var fixture = new ModelFixture(name);
        using var engine = Open(fixture);
        var greedy = fixture["greedy"];
        var expected = ModelFixture.Ints(greedy.GetProperty("tokens"));
        var reply = EngineFixture.Wait<GenerateReply>(answer => engine.Generate(
            EngineFixture.Request(1, ModelFixture.Ints(greedy.GetProperty("prompt")), expected.Length, SamplingOptions.Greedy), answer));
        reply.Error.ShouldBeNull();
        reply.Tokens.ToArray().ShouldBe(expected);
        var logProbs = greedy.TryGetProperty("logprobs", out var recorded) ? ModelFixture.Doubles(recorded) : [];
        for (var i = 0; i < logProbs.Length; i++)
            ((double)reply.LogProbs.Span[i]).ShouldBe(logProbs[i], 5e-5);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Prompts_of_different_lengths_go_together(string name)
    {
        var fixture = new ModelFixture(name);
        using var engine = Open(fixture);
        var batch = fixture["greedy_batch_leftpad"];
        var prompts = batch.GetProperty("prompts").EnumerateArray().Select(ModelFixture.Ints).ToArray();
        var expected = batch.GetProperty("tokens").EnumerateArray().Select(ModelFixture.Ints).ToArray();
        var replies = new GenerateReply[prompts.Length];
        using var done = new CountdownEvent(prompts.Length);
        for (var i = 0; i < prompts.Length; i++)
        {
            var index = i;
            engine.Generate(EngineFixture.Request(i, prompts[i], expected[i].Length, SamplingOptions.Greedy), reply =>
            {
                replies[index] = reply;
                done.Signal();
            });
        }

        done.Wait(EngineFixture.Limit).ShouldBeTrue();
        for (var i = 0; i < prompts.Length; i++)
            replies[i].Tokens.ToArray().ShouldBe(expected[i]);
    }

    private static ManagedPolicyEngine Open(ModelFixture fixture)
    {
        var weights = ModelFolder.Load(fixture.Folder);
        return ManagedPolicyEngine.Create(weights, () => new AlphabetTokenizer(weights.Config.VocabularySize), new EngineOptions { Threads = 2 });
    }
}
