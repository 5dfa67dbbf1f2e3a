using System.Collections.Concurrent;
using Distributed.Engine.Hosting;
using Distributed.Engine.Tests.Generation;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Hosting;

/// <summary>What the port promises.</summary>
public sealed class PolicyEngineContractTests
{
    private const int Vocabulary = 37;

    [Fact]
    public void Every_request_of_every_kind_gets_exactly_one_reply()
    {
        using var fixture = new EngineFixture();
        var engine = fixture.Engine;
        var weights = fixture.Weights();
        var counts = new ConcurrentDictionary<string, int>();
        const int rounds = 60;
        using var done = new CountdownEvent(1);

        Action<T> Count<T>(string key)
        {
            done.AddCount();
            return _ =>
            {
                counts.AddOrUpdate(key, 1, (_, count) => count + 1);
                if (counts[key] == 1)
                    done.Signal();
            };
        }

        for (var i = 0; i < rounds; i++)
        {
            engine.Generate(EngineFixture.Request(i % 7, [i % Vocabulary], 5, seed: (ulong)i), Count<GenerateReply>($"generate {i}"));
            if (i % 5 == 0)
                engine.Score(new ScoreRequest(new[] { 1, 2, 3 }, [new ScoreBranch(2, new[] { 4, 5 }, 0, 2)]), Count<ScoreReply>($"score {i}"));
            if (i % 7 == 0)
                engine.LogProbs([new TrainSequence(new[] { 1, 2, 3 }, new[] { 2 })], Count<LogProbsReply>($"log-probs {i}"));
            if (i % 9 == 0)
                engine.Train(EngineFixture.TrainRequest(), Count<TrainReply>($"train {i}"));
            if (i % 11 == 0)
                engine.LoadWeights(i, weights, Count<EngineError?>($"load {i}"));
            if (i % 13 == 0)
            {
                var count = Count<int>($"optimizer {i}");
                engine.ReadOptimizer((_, _) => count(0));
            }

            if (i % 17 == 0)
                engine.Release(i % 7);
        }

        done.Signal();
        done.Wait(EngineFixture.Limit).ShouldBeTrue("a reply is missing");
        engine.Dispose();
        counts.Values.ShouldAllBe(count => count == 1);
        engine.Counters.CallbackFailures.ShouldBe(0);
    }

    [Fact]
    public void Weights_are_swapped_between_turns_and_replies_name_those_that_sampled()
    {
        using var fixture = new EngineFixture();
        using var other = new EngineFixture(seed: 99);
        var (old, fresh) = (fixture.Weights(), other.Weights());
        var replies = new BlockingCollection<(string What, GenerateReply? Reply)>();
        for (var i = 0; i < 20; i++)
            fixture.Engine.Generate(EngineFixture.Request(i, [i], 30, seed: (ulong)i), reply => replies.Add(("before", reply)));
        fixture.Engine.LoadWeights(7, fresh, error => replies.Add((error?.Message ?? "loaded", null)));
        for (var i = 0; i < 20; i++)
            fixture.Engine.Generate(EngineFixture.Request(100 + i, [i], 30, seed: (ulong)i), reply => replies.Add(("after", reply)));

        var order = Enumerable.Range(0, 41).Select(_ => replies.TryTake(out var reply, EngineFixture.Limit) ? reply : throw new TimeoutException()).ToArray();
        order.Select(entry => entry.What).ShouldBe([.. Enumerable.Repeat("before", 20), "loaded", .. Enumerable.Repeat("after", 20)]);
        order[..20].ShouldAllBe(entry => entry.Reply!.Version == 0);
        order[21..].ShouldAllBe(entry => entry.Reply!.Version == 7);
        fixture.Engine.WeightsVersion.ShouldBe(7);
        order[..20].Single(entry => entry.Reply!.Sequence == 3).Reply!.Tokens.ToArray()
            .ShouldNotBe(order[21..].Single(entry => entry.Reply!.Sequence == 103).Reply!.Tokens.ToArray());
        fixture.Load(8, old).ShouldBeNull();
    }

    [Fact]
    public void A_sequence_that_goes_on_after_a_swap_is_as_if_the_new_weights_had_read_it_all()
    {
        using var fixture = new EngineFixture();
        using var other = new EngineFixture(seed: 99);
        var first = fixture.Generate(1, [1, 2, 3]);
        fixture.Load(2, other.Weights()).ShouldBeNull();
        var second = fixture.Generate(1, [4], seed: 5);
        second.Version.ShouldBe(2);
        var whole = other.Generate(1, [1, 2, 3, .. first.Tokens.Span, 4], seed: 5);
        second.Tokens.ToArray().ShouldBe(whole.Tokens.ToArray());
        second.LogProbs.ToArray().ShouldBe(whole.LogProbs.ToArray());
    }

    [Fact]
    public void Training_changes_what_is_sampled_even_in_a_cached_sequence()
    {
        using var fixture = new EngineFixture();
        var first = fixture.Generate(1, [1, 2, 3], 2, seed: 1);
        fixture.Train().Applied.ShouldBeTrue();
        var second = fixture.Generate(1, [4], seed: 5);
        var whole = fixture.Generate(2, [1, 2, 3, .. first.Tokens.Span, 4], seed: 5);
        second.LogProbs.ToArray().ShouldBe(whole.LogProbs.ToArray());

        using var untrained = new EngineFixture();
        untrained.Generate(2, [1, 2, 3, .. first.Tokens.Span, 4], seed: 5).LogProbs.ToArray().ShouldNotBe(whole.LogProbs.ToArray());
    }

    [Fact]
    public void Training_makes_its_targets_likelier_and_a_loss_that_is_not_finite_changes_nothing()
    {
        using var fixture = new EngineFixture();
        var before = fixture.Weights();
        var losses = Enumerable.Range(0, 5).Select(_ => fixture.Train().Loss).ToArray();
        losses.ShouldBe(losses.OrderDescending().ToArray());
        fixture.Weights().Span.SequenceEqual(before.Span).ShouldBeFalse();

        var trained = fixture.Weights();
        var broken = EngineFixture.Wait<TrainReply>(reply => fixture.Engine.Train(EngineFixture.TrainRequest() with { Loss = new BrokenLoss() }, reply));
        broken.Applied.ShouldBeFalse();
        fixture.Weights().Span.SequenceEqual(trained.Span).ShouldBeTrue();
    }

    [Fact]
    public void Loading_what_was_read_is_the_identity_for_weights_and_optimizer()
    {
        using var fixture = new EngineFixture();
        fixture.Train();
        var weights = fixture.Weights();
        var optimizer = EngineFixture.Wait<OptimizerState?>(reply => fixture.Engine.ReadOptimizer((state, _) => reply(state)))!;
        optimizer.Step.ShouldBe(1);
        fixture.Train();
        var further = fixture.Weights();

        using var copy = new EngineFixture(seed: 77);
        copy.Load(1, weights).ShouldBeNull();
        EngineFixture.Wait<EngineError?>(reply => copy.Engine.LoadOptimizer(optimizer, reply)).ShouldBeNull();
        copy.Weights().Span.SequenceEqual(weights.Span).ShouldBeTrue();
        copy.Train();
        copy.Weights().Span.SequenceEqual(further.Span).ShouldBeTrue();
    }

    [Fact]
    public void Weights_that_do_not_fit_are_refused_and_the_old_ones_stay()
    {
        using var fixture = new EngineFixture();
        var weights = fixture.Weights();
        fixture.Load(4, weights[..^4]).ShouldNotBeNull().Message.ShouldContain("belong to another model");
        var broken = weights.ToArray();
        BitConverter.GetBytes(float.NaN).CopyTo(broken, 40);
        fixture.Load(5, broken).ShouldNotBeNull().Message.ShouldContain("not finite");
        fixture.Engine.WeightsVersion.ShouldBe(0);
        fixture.Weights().Span.SequenceEqual(weights.Span).ShouldBeTrue();
    }

    [Fact]
    public void A_sequence_released_under_way_ends_with_an_error_and_can_be_opened_anew()
    {
        var config = TinyModels.Config() with { MaxPositions = 4000 };
        using var fixture = new EngineFixture(config: config);
        using var replies = new BlockingCollection<GenerateReply>();
        fixture.Engine.Generate(EngineFixture.Request(1, [1], 3900), replies.Add);
        fixture.Engine.Generate(EngineFixture.Request(1, [2], 5), replies.Add);
        fixture.Engine.Release(1);
        fixture.Engine.Release(12345);
        for (var i = 0; i < 2; i++)
        {
            replies.TryTake(out var reply, EngineFixture.Limit).ShouldBeTrue();
            reply!.Finish.ShouldBe(FinishReason.Failed);
            reply.Error!.Message.ShouldContain("released");
            reply.Tokens.Length.ShouldBe(0);
        }

        var fresh = fixture.Generate(1, [3, 4], seed: 2);
        fresh.Tokens.ToArray().ShouldBe(fixture.Generate(9, [3, 4], seed: 2).Tokens.ToArray());
    }

    [Fact]
    public void Release_reaches_a_request_that_waits_behind_a_swap()
    {
        var config = TinyModels.Config() with { MaxPositions = 4000 };
        using var fixture = new EngineFixture(config: config);
        var weights = fixture.Weights();
        using var replies = new BlockingCollection<GenerateReply>();
        fixture.Engine.Generate(EngineFixture.Request(1, [1], 3900), _ => { });
        fixture.Engine.LoadWeights(1, weights, _ => { });
        fixture.Engine.Generate(EngineFixture.Request(2, [2], 5), replies.Add);
        fixture.Engine.Release(2);
        fixture.Engine.Release(1);
        replies.TryTake(out var reply, EngineFixture.Limit).ShouldBeTrue();
        reply!.Error!.Message.ShouldContain("released before");
    }

    [Fact]
    public void Closing_a_busy_engine_answers_everything()
    {
        var config = TinyModels.Config() with { MaxPositions = 4000 };
        var fixture = new EngineFixture(config: config);
        var replies = new ConcurrentQueue<EngineError?>();
        for (var i = 0; i < 30; i++)
            fixture.Engine.Generate(EngineFixture.Request(i % 20, [1], 3000), reply => replies.Enqueue(reply.Error));
        fixture.Engine.Train(EngineFixture.TrainRequest(), reply => replies.Enqueue(reply.Error));
        fixture.Engine.Generate(EngineFixture.Request(50, [1], 3000), reply => replies.Enqueue(reply.Error));
        fixture.Engine.Score(new ScoreRequest(new[] { 1 }, []), reply => replies.Enqueue(reply.Error));
        fixture.Dispose();
        replies.Count.ShouldBe(33);
        replies.ShouldAllBe(error => error != null);

        fixture.Engine.Generate(EngineFixture.Request(1, [1]), reply => replies.Enqueue(reply.Error));
        fixture.Engine.ReadWeights((_, error) => replies.Enqueue(error));
        fixture.Engine.Release(1);
        fixture.Dispose();
        replies.Count.ShouldBe(35);
        replies.ShouldAllBe(error => error != null);
    }

    [Fact]
    public void An_engine_may_be_closed_from_a_reply()
    {
        var fixture = new EngineFixture();
        EngineFixture.Wait<GenerateReply>(answer => fixture.Engine.Generate(EngineFixture.Request(1, [1]), reply =>
        {
            fixture.Dispose();
            answer(reply);
        })).Error.ShouldBeNull();
        EngineFixture.Wait<EngineError?>(answer => fixture.Engine.LoadWeights(1, default, answer)).ShouldNotBeNull();
    }

    [Fact]
    public void A_reply_that_throws_harms_nobody_and_is_counted()
    {
        using var fixture = new EngineFixture();
        fixture.Engine.Generate(EngineFixture.Request(1, [1]), _ => throw new InvalidOperationException("a caller's mistake"));
        fixture.Engine.ReadWeights((_, _) => throw new InvalidOperationException("another"));
        fixture.Generate(2, [1]).Error.ShouldBeNull();
        fixture.Weights();
        fixture.Engine.Dispose();
        fixture.Engine.Counters.CallbackFailures.ShouldBe(2);
    }

    [Fact]
    public void More_requests_than_may_wait_are_refused_at_once()
    {
        var config = TinyModels.Config() with { MaxPositions = 4000 };
        using var fixture = new EngineFixture(new EngineOptions { Threads = 1, MaxRequests = 3 }, config);
        for (var i = 0; i < 3; i++)
            fixture.Engine.Generate(EngineFixture.Request(i, [1], 3900), _ => { });
        EngineError? refused = null;
        fixture.Engine.Score(new ScoreRequest(new[] { 1 }, []), reply => refused = reply.Error);
        refused.ShouldNotBeNull().Message.ShouldContain("3 requests wait");
        fixture.Engine.Counters.Refused.ShouldBe(1);
    }

    [Theory]
    [InlineData(new int[0], 1, 1f, 0, 1f, "", "no tokens")]
    [InlineData(new[] { 1, 37 }, 1, 1f, 0, 1f, "", "token id 37 is outside")]
    [InlineData(new[] { -1 }, 1, 1f, 0, 1f, "", "token id -1 is outside")]
    [InlineData(new[] { 1 }, 0, 1f, 0, 1f, "", "MaxNewTokens is 0")]
    [InlineData(new[] { 1 }, 1, -1f, 0, 1f, "", "Temperature")]
    [InlineData(new[] { 1 }, 1, float.NaN, 0, 1f, "", "Temperature")]
    [InlineData(new[] { 1 }, 1, 1f, -1, 1f, "", "TopK")]
    [InlineData(new[] { 1 }, 1, 1f, 0, 0f, "", "TopP")]
    [InlineData(new[] { 1 }, 1, 1f, 0, 1.5f, "", "TopP")]
    [InlineData(new[] { 1 }, 1, 1f, 0, 1f, "empty", "a stop string is empty")]
    public void A_wrong_request_fails_with_one_line_and_leaves_its_sequence_as_it_was(
        int[] append, int maxNewTokens, float temperature, int topK, float topP, string stop, string complaint)
    {
        using var fixture = new EngineFixture();
        var wrong = new GenerateRequest(1, append, new SamplingOptions(temperature, topK, topP), 1, maxNewTokens, stop == "empty" ? [""] : []);
        var reply = fixture.Generate(wrong);
        reply.Finish.ShouldBe(FinishReason.Failed);
        reply.Error!.Message.ShouldContain(complaint);
        reply.Error.Message.ShouldNotContain("\n");
        fixture.Generate(1, [5, 6]).Tokens.ToArray().ShouldBe(fixture.Generate(2, [5, 6]).Tokens.ToArray());
    }

    [Fact]
    public void One_sequence_too_many_fails_until_one_is_released()
    {
        using var fixture = new EngineFixture(new EngineOptions { Threads = 1, MaxSequences = 2 });
        fixture.Generate(1, [1]).Error.ShouldBeNull();
        fixture.Generate(2, [1]).Error.ShouldBeNull();
        fixture.Generate(3, [1]).Error!.Message.ShouldContain("2 sequences are open");
        fixture.Engine.Release(1);
        fixture.Generate(3, [1]).Error.ShouldBeNull();
    }

    [Fact]
    public void A_turn_ends_at_its_stop_at_its_length_or_where_the_context_is_full()
    {
        using var fixture = new EngineFixture(config: TinyModels.Config() with { MaxPositions = 40 });
        fixture.Generate(1, [1, 2], 6).ShouldSatisfyAllConditions(
            reply => reply.Finish.ShouldBe(FinishReason.Length), reply => reply.Tokens.Length.ShouldBe(6), reply => reply.LogProbs.Length.ShouldBe(6));
        var text = new AlphabetTokenizer(Vocabulary).Decode(fixture.Generate(2, [1, 2], 20, seed: 4).Tokens.Span);
        var stopped = fixture.Generate(3, [1, 2], 20, seed: 4, stops: text[3..6]);
        stopped.Finish.ShouldBe(FinishReason.Stop);
        new AlphabetTokenizer(Vocabulary).Decode(stopped.Tokens.Span).ShouldBe(text[..6]);
        var full = fixture.Generate(4, [1, 2], 100);
        full.Finish.ShouldBe(FinishReason.ContextFull);
        full.Tokens.Length.ShouldBe(38);
        fixture.Generate(4, [], 5).ShouldSatisfyAllConditions(
            reply => reply.Finish.ShouldBe(FinishReason.ContextFull), reply => reply.Tokens.Length.ShouldBe(0), reply => reply.Error.ShouldBeNull());
    }

    [Fact]
    public void The_models_end_token_stops_a_turn()
    {
        using var plain = new EngineFixture();
        var tokens = plain.Generate(1, [1, 2], 20, seed: 4).Tokens.ToArray();
        using var fixture = new EngineFixture(config: TinyModels.Config() with { EndTokens = [Enumerable.Range(0, Vocabulary).First(id => !tokens.Contains(id)), tokens[4]] });
        var reply = fixture.Generate(1, [1, 2], 20, seed: 4);
        reply.Finish.ShouldBe(FinishReason.Stop);
        reply.Tokens.ToArray().ShouldBe(tokens[..(Array.IndexOf(tokens, tokens[4]) + 1)]);
    }

    [Fact]
    public void Counters_tell_what_was_done()
    {
        using var fixture = new EngineFixture();
        fixture.Generate(1, [1, 2, 3], 5);
        fixture.Generate(1, [4, 5], 5);
        fixture.Train();
        EngineFixture.Wait<ScoreReply>(reply => fixture.Engine.Score(new ScoreRequest(new[] { 1, 2, 3 }, [new ScoreBranch(2, new[] { 4, 5 }, 0, 2)]), reply));
        fixture.Engine.Dispose();
        var counters = fixture.Engine.Counters;
        counters.TokensSampled.ShouldBe(10);
        // The last token of the first turn is fed with the second turn's two.
        counters.TokensFed.ShouldBe(6);
        counters.TokensTrained.ShouldBe(9);
        counters.TokensScored.ShouldBe(5);
        counters.Answered.ShouldBe(4);
        counters.Failed.ShouldBe(0);
        counters.GenerateSeconds.ShouldBeGreaterThan(0);
        counters.TrainSeconds.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_saved_model_loads_again_and_folders_that_cannot_be_used_are_named()
    {
        using var scratch = new Tokenizers.ScratchFolder();
        using var fixture = new EngineFixture();
        EngineFixture.Wait<EngineError?>(reply => fixture.Engine.SaveModel(scratch.Path, reply)).ShouldBeNull();
        File.Copy(Tokenizers.Fixture.Path("wordlevel", "whitespace", "tokenizer.json"), scratch.File("tokenizer.json"));
        using (var loaded = ManagedPolicyEngine.Load(scratch.Path, new EngineOptions { Threads = 1 }))
        {
            var weights = EngineFixture.Wait<ReadOnlyMemory<byte>>(reply => loaded.ReadWeights((bytes, _) => reply(bytes)));
            weights.Span.SequenceEqual(fixture.Weights().Span).ShouldBeTrue();
        }

        File.Copy(Tokenizers.Fixture.Path("mini", "tokenizer.json"), scratch.File("tokenizer.json"), overwrite: true);
        Should.Throw<ArgumentException>(() => ManagedPolicyEngine.Load(scratch.Path, new EngineOptions())).Message.ShouldContain("the tokenizer has 2009 ids, the model 37");
        Should.Throw<ArgumentException>(() => ManagedPolicyEngine.Load(scratch.Path, new EngineOptions { Threads = 0 })).Message.ShouldContain("Threads is 0");
        EngineFixture.Wait<EngineError?>(reply => fixture.Engine.SaveModel(scratch.File("tokenizer.json"), reply)).ShouldNotBeNull().Message.ShouldContain("cannot be written");
    }

    private sealed class BrokenLoss : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient) => double.NaN;
    }
}
