using Distributed.Engine.Generation;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Hosting;

/// <summary>What generation does as a service: memory, shared prompts, stop tokens, what is recorded.</summary>
public sealed class GenerationServiceTests
{
    private static readonly ModelConfig Config = TinyModels.Config() with { MaxPositions = 200 };

    private static long PageBytes => new KeyValueLayout(Config.Layers, Config.KeyValueHeads, Config.HeadSize).PageFloats * (long)sizeof(float);

    private static int[] Prompt(int length) => TinyModels.Tokens(new Random(length), length, Config.VocabularySize);

    [Fact]
    public void A_request_that_the_cache_can_never_hold_is_refused_with_what_it_needs_and_the_option_to_raise()
    {
        using var fixture = new EngineFixture(new EngineOptions { Threads = 1, CacheBytes = 3 * PageBytes }, Config);
        var most = 3 * KeyValueLayout.PagePositions;
        fixture.Generate(1, Prompt(most - 8), 8).Finish.ShouldBe(FinishReason.Length);
        var refused = fixture.Generate(2, Prompt(most - 8), 9);
        refused.Finish.ShouldBe(FinishReason.Failed);
        var error = refused.Error.ShouldBeOfType<CacheTooSmallError>();
        error.NeededBytes.ShouldBe(4 * PageBytes);
        error.AvailableBytes.ShouldBe(3 * PageBytes);
        error.Message.ShouldContain("CacheBytes");
        error.Message.ShouldNotContain("\n");
        fixture.Generate(2, Prompt(most - 8), 8).Error.ShouldBeNull();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_groups_prompt_is_fed_once_whether_its_rollouts_come_together_or_one_after_the_other(int threads)
    {
        var prompt = Prompt(100);
        using var together = new EngineFixture(new EngineOptions { Threads = threads, BatchRows = 64, BatchTurns = 64 }, Config);
        using var done = new CountdownEvent(8);
        together.Engine.ReadWeights((_, _) =>
        {
            for (var i = 0; i < 8; i++)
                together.Engine.Generate(EngineFixture.Request(i, prompt, 5, seed: (ulong)i), _ => done.Signal());
        });
        done.Wait(EngineFixture.Limit).ShouldBeTrue();
        together.Engine.Dispose();
        together.Engine.Counters.TokensFed.ShouldBe(100 + 7);

        // Released ones are remembered by whole pages.
        using var apart = new EngineFixture(new EngineOptions { Threads = threads }, Config);
        var whole = 100 / KeyValueLayout.PagePositions * KeyValueLayout.PagePositions;
        for (var i = 0; i < 8; i++)
        {
            apart.Generate(i, prompt, 5, seed: (ulong)i);
            apart.Engine.Release(i);
        }

        apart.Engine.Dispose();
        apart.Engine.Counters.TokensFed.ShouldBe(100 + (7 * (100 - whole)));
    }

    [Fact]
    public void Over_the_turns_of_an_episode_only_new_tokens_are_fed()
    {
        using var fixture = new EngineFixture(new EngineOptions { Threads = 2 }, Config);
        fixture.Generate(1, Prompt(30), 6);
        fixture.Generate(1, Prompt(7), 6);
        fixture.Generate(1, Prompt(3), 6);
        fixture.Engine.Dispose();

        // With the last token of the turn before, which was sampled but not read yet.
        fixture.Engine.Counters.TokensFed.ShouldBe(30 + (7 + 1) + (3 + 1));
        fixture.Engine.Counters.TokensSampled.ShouldBe(18);
    }

    [Fact]
    public void A_request_that_fails_half_way_harms_nobody_that_shares_its_prompt()
    {
        var prompt = Prompt(70);
        using var alone = new EngineFixture(new EngineOptions { Threads = 1 }, Config);
        var expected = Enumerable.Range(0, 4).Select(i => alone.Generate(10 + i, prompt, 20, seed: (ulong)i).Tokens.ToArray()).ToArray();
        using var fixture = new EngineFixture(new EngineOptions { Threads = 2, BatchRows = 80, BatchTurns = 4 }, Config);
        using var done = new CountdownEvent(5);
        var replies = new GenerateReply[4];
        fixture.Engine.ReadWeights((_, _) =>
        {
            // The first leads and is released under way.
            fixture.Engine.Generate(EngineFixture.Request(99, prompt, 100), _ => done.Signal());
            for (var i = 0; i < 4; i++)
            {
                var index = i;
                fixture.Engine.Generate(EngineFixture.Request(i, prompt, 20, seed: (ulong)i), reply =>
                {
                    replies[index] = reply;
                    fixture.Engine.Release(99);
                    done.Signal();
                });
            }
        });
        done.Wait(EngineFixture.Limit).ShouldBeTrue();
        for (var i = 0; i < 4; i++)
            replies[i].Tokens.ToArray().ShouldBe(expected[i]);
    }

    [Fact]
    public void A_stop_token_ends_a_turn_and_is_kept()
    {
        using var fixture = new EngineFixture();
        var free = fixture.Generate(1, [1, 2, 3], 20, seed: 4).Tokens.ToArray();
        var stop = free[6];
        var first = Array.IndexOf(free, stop);
        var stopped = fixture.Generate(EngineFixture.Request(2, [1, 2, 3], 20, seed: 4) with { StopTokens = [stop] });
        stopped.Finish.ShouldBe(FinishReason.Stop);
        stopped.Tokens.ToArray().ShouldBe(free[..(first + 1)]);
        fixture.Generate(EngineFixture.Request(3, [1], 2) with { StopTokens = [-1] }).Error!.Message.ShouldContain("stop token -1");
    }

    [Fact]
    public void Both_log_probabilities_are_recorded_the_distribution_drawn_from_and_the_models_own()
    {
        using var fixture = new EngineFixture();
        foreach (var sampling in new[] { new SamplingOptions(0.5f), new SamplingOptions(1f, TopK: 5), new SamplingOptions(1.7f, 0, 0.8f, 0.05f) })
        {
            var reply = fixture.Generate(sampling.GetHashCode(), [1, 2, 3], 20, sampling, seed: 9);
            var sequence = new TrainSequence((int[])[1, 2, 3, .. reply.Tokens.Span], Enumerable.Range(3, reply.Tokens.Length).ToArray());
            var scored = EngineFixture.Wait<LogProbsReply>(answer => fixture.Engine.LogProbs([sequence], answer)).LogProbs[0];
            for (var i = 0; i < reply.Tokens.Length; i++)
                reply.ModelLogProbs.Span[i].ShouldBe(scored.Span[i], 2e-6f);
            reply.LogProbs.ToArray().ShouldNotBe(reply.ModelLogProbs.ToArray());
        }

        var plain = fixture.Generate(77, [1, 2, 3], 20, seed: 9);
        plain.LogProbs.ToArray().ShouldBe(plain.ModelLogProbs.ToArray());
        plain.Versions.ShouldBe([new VersionRun(0, plain.Tokens.Length)]);
    }
}
