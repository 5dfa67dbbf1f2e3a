using Distributed.Engine.Hosting;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Hosting;

/// <summary>Weights swapped between the tokens of partial rollouts.</summary>
public sealed class GenerationSwapTests
{
    private const int Length = 40;

    private static readonly int[] Prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

    private static byte[] Weights(ulong seed)
    {
        using var other = new EngineFixture(seed: seed);
        return other.Weights().ToArray();
    }

    private static GenerateRequest Partial(long sequence, SamplingOptions? sampling = null) =>
        EngineFixture.Request(sequence, Prompt, Length, sampling, seed: (ulong)sequence) with { PartialRollout = true };

    /// <summary>Partial rollouts during which weights are swapped as often as the engine lets them.</summary>
    private static (GenerateReply[] Replies, EngineCounters Counters) RunWithSwaps(EngineOptions options, byte[][] versions, params GenerateRequest[] requests)
    {
        using var fixture = new EngineFixture(options);
        var replies = new GenerateReply[requests.Length];
        using var done = new CountdownEvent(requests.Length);
        var version = 0;

        // Each load is asked for when the one before is done: one swap every few tokens.
        void Swap(EngineError? error)
        {
            error.ShouldBeNull();
            if (!done.IsSet)
                fixture.Engine.LoadWeights(++version, versions[version % versions.Length], Swap);
        }

        fixture.Engine.ReadWeights((_, _) =>
        {
            for (var i = 0; i < requests.Length; i++)
            {
                var index = i;
                fixture.Engine.Generate(requests[i], reply =>
                {
                    replies[index] = reply;
                    done.Signal();
                });
            }

            Swap(null);
        });
        done.Wait(EngineFixture.Limit).ShouldBeTrue("a reply is missing");
        fixture.Engine.Dispose();
        return (replies, fixture.Engine.Counters);
    }

    [Theory]
    [InlineData(1, 512L << 20)]
    [InlineData(2, 512L << 20)]
    [InlineData(2, 0L)] // one context's worth of pages for five sequences
    public void Every_token_is_sampled_by_the_version_it_is_recorded_with_as_if_that_had_read_it_all(int threads, long cacheBytes)
    {
        byte[][] versions = [Weights(3), Weights(4), Weights(5)];
        var sampling = new SamplingOptions(0.9f, TopK: 12);
        var (replies, _) = RunWithSwaps(
            new EngineOptions { Threads = threads, BatchRows = 24, BatchTurns = 8, CacheBytes = cacheBytes }, versions, [.. Enumerable.Range(0, 5).Select(i => Partial(i, sampling))]);
        foreach (var reply in replies)
        {
            reply.Error.ShouldBeNull();
            reply.Versions.Sum(run => run.Tokens).ShouldBe(reply.Tokens.Length);
            reply.Versions[^1].Version.ShouldBe(reply.Version);
            var at = 0;
            foreach (var run in reply.Versions)
            {
                using var alone = new EngineFixture(new EngineOptions { Threads = 1 });
                alone.Load(run.Version, versions[run.Version % versions.Length]).ShouldBeNull();
                int[] before = [.. Prompt, .. reply.Tokens.Span[..at]];
                var sequence = new TrainSequence((int[])[.. before, .. reply.Tokens.Span.Slice(at, run.Tokens)], Enumerable.Range(before.Length, run.Tokens).ToArray());
                var scored = EngineFixture.Wait<LogProbsReply>(answer => alone.Engine.LogProbs([sequence], answer)).LogProbs[0];
                for (var i = 0; i < run.Tokens; i++)
                    reply.ModelLogProbs.Span[at + i].ShouldBe(scored.Span[i], 3e-6f, $"token {at + i} of version {run.Version}");
                at += run.Tokens;
            }
        }

        replies.ShouldContain(reply => reply.Versions.Count > 1);
    }

    [Fact]
    public void Swaps_to_equal_weights_change_no_token_whether_the_cache_is_kept_or_not()
    {
        byte[][] same = [Weights(3)];
        var requests = Enumerable.Range(0, 4).Select(i => Partial(i)).ToArray();
        using var still = new EngineFixture(new EngineOptions { Threads = 1 });
        var expected = requests.Select(request => still.Generate(request with { PartialRollout = false }).Tokens.ToArray()).ToArray();
        foreach (var recompute in new[] { true, false })
        {
            var (replies, counters) = RunWithSwaps(new EngineOptions { Threads = 2, RecomputeCacheAfterSwap = recompute }, same, requests);
            for (var i = 0; i < replies.Length; i++)
                replies[i].Tokens.ToArray().ShouldBe(expected[i]);
            replies.ShouldContain(reply => reply.Versions.Count > 1);

            // Kept: the prompt once and its last token for each. Worked out anew: at least once more per swap.
            if (recompute)
                counters.TokensFed.ShouldBeGreaterThan(Prompt.Length + 3);
            else
                counters.TokensFed.ShouldBe(Prompt.Length + 3);
        }
    }

    [Fact]
    public void A_swap_waits_for_a_request_that_is_not_partial_and_its_tokens_are_of_one_version()
    {
        byte[][] versions = [Weights(3), Weights(4)];
        var (replies, _) = RunWithSwaps(new EngineOptions { Threads = 2 }, versions, Partial(1), Partial(2) with { PartialRollout = false }, Partial(3));
        replies[1].Versions.Count.ShouldBe(1);
        replies.ShouldAllBe(reply => reply.Error == null && reply.Tokens.Length == Length);
    }

    [Fact]
    public void A_kept_mixture_is_not_read_by_requests_that_want_one_version()
    {
        var fresh = Weights(4);
        using var fixture = new EngineFixture(new EngineOptions { Threads = 1, RecomputeCacheAfterSwap = false });
        var first = fixture.Generate(Partial(1));
        fixture.Load(7, fresh).ShouldBeNull();
        var mixed = fixture.Generate(EngineFixture.Request(1, [3], 6, SamplingOptions.Greedy) with { PartialRollout = true });
        var pure = fixture.Generate(EngineFixture.Request(1, [4], 6, SamplingOptions.Greedy));
        using var other = new EngineFixture(new EngineOptions { Threads = 1 });
        other.Load(7, fresh).ShouldBeNull();
        var expected = other.Generate(2, [.. Prompt, .. first.Tokens.Span, 3, .. mixed.Tokens.Span, 4], 6, SamplingOptions.Greedy);
        pure.Tokens.ToArray().ShouldBe(expected.Tokens.ToArray());
        pure.LogProbs.ToArray().ShouldBe(expected.LogProbs.ToArray());
        mixed.LogProbs.ToArray().ShouldNotBe(other.Generate(3, [.. Prompt, .. first.Tokens.Span, 3], 6, SamplingOptions.Greedy).LogProbs.ToArray());
    }
}
