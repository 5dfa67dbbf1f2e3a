using Distributed.Engine.Generation;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Hosting;

/// <summary>A request's tokens and log-probabilities are the same to the bit whatever happens around it.</summary>
public sealed class GenerationIndependenceTests
{
    private const int Turns = 4;

    /// <summary>A conversation: what is appended at each turn, how it is sampled.</summary>
    private sealed record Conversation(long Sequence, GenerateRequest[] Requests)
    {
        public static Conversation[] Make(int count, int vocabulary)
        {
            var random = new Random(11);
            return [.. Enumerable.Range(0, count).Select(i => new Conversation(i, [.. Enumerable.Range(0, Turns).Select(turn => EngineFixture.Request(
                i, TinyModels.Tokens(random, random.Next(turn == 0 ? 1 : 0, 25), vocabulary), random.Next(1, 9),
                i % 3 == 0 ? SamplingOptions.Greedy : new SamplingOptions(i % 3 == 1 ? 1f : 0.8f, i % 2 * 7, i % 4 == 3 ? 0.9f : 1f),
                (ulong)((i * 10) + turn), "5"))]))];
        }
    }

    private static Dictionary<(long, int), string> RunAlone(Conversation[] conversations, EngineOptions options, ModelConfig config)
    {
        using var fixture = new EngineFixture(options, config);
        var replies = new Dictionary<(long, int), string>();
        foreach (var conversation in conversations)
        {
            for (var turn = 0; turn < Turns; turn++)
                replies[(conversation.Sequence, turn)] = Describe(fixture.Generate(conversation.Requests[turn]));
            fixture.Engine.Release(conversation.Sequence);
        }

        return replies;
    }

    /// <summary>All conversations at once, each going on as soon as its reply comes; some join late.</summary>
    private static Dictionary<(long, int), string> RunTogether(Conversation[] conversations, EngineOptions options, ModelConfig config, int seed)
    {
        using var fixture = new EngineFixture(options, config);
        var replies = new Dictionary<(long, int), string>();
        using var done = new CountdownEvent(conversations.Length);
        var order = conversations.OrderBy(_ => seed = seed * 1103515245 + 12345).ToArray();
        var late = new Queue<Conversation>(order[(order.Length / 2)..]);

        void Next(Conversation conversation, int turn) => fixture.Engine.Generate(conversation.Requests[turn], reply =>
        {
            Conversation? joins;
            lock (replies)
            {
                replies[(conversation.Sequence, turn)] = Describe(reply);
                late.TryDequeue(out joins);
            }

            if (joins is not null)
                Next(joins, 0);
            if (turn + 1 < Turns)
                Next(conversation, turn + 1);
            else
                done.Signal();
        });

        foreach (var conversation in order[..(order.Length / 2)])
            Next(conversation, 0);
        done.Wait(EngineFixture.Limit).ShouldBeTrue("a reply is missing");
        return replies;
    }

    private static string Describe(GenerateReply reply) =>
        $"{reply.Finish} {string.Join(',', reply.Tokens.ToArray())} {string.Join(',', reply.LogProbs.ToArray().Select(BitConverter.SingleToInt32Bits))} {reply.Error}";

    [Theory]
    [InlineData(1, 48, 96)]
    [InlineData(2, 48, 96)]
    [InlineData(1, 3, 5)]
    [InlineData(2, 5, 9)]
    [InlineData(3, 1, 1)]
    public void Company_threads_and_batch_sizes_change_nothing(int threads, int batchTurns, int batchRows)
    {
        var config = TinyModels.Config(ModelFamily.Qwen3) with { MaxPositions = 60 };
        var conversations = Conversation.Make(24, config.VocabularySize);
        var alone = RunAlone(conversations, new EngineOptions { Threads = 1 }, config);
        var together = RunTogether(conversations, new EngineOptions { Threads = threads, BatchTurns = batchTurns, BatchRows = batchRows }, config, seed: threads + batchRows);
        together.Count.ShouldBe(alone.Count);
        foreach (var (key, reply) in alone)
            together[key].ShouldBe(reply, key.ToString());
        alone.Values.Count(reply => reply.StartsWith("Stop", StringComparison.Ordinal)).ShouldBeGreaterThan(0);
        alone.Values.Count(reply => reply.StartsWith("Length", StringComparison.Ordinal)).ShouldBeGreaterThan(0);
        alone.Values.Count(reply => reply.StartsWith("ContextFull", StringComparison.Ordinal)).ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Turns_that_wait_for_room_in_the_processors_cache_get_what_each_gets_alone(int threads)
    {
        var config = TinyModels.Config(ModelFamily.Qwen2) with { MaxPositions = 60 };
        var conversations = Conversation.Make(50, config.VocabularySize);
        using var weights = TinyModels.Weights(config, 1);
        using var model = new PackedModel(weights);
        var layout = new KeyValueLayout(config.Layers, config.KeyValueHeads, config.HeadSize);
        var position = layout.PageFloats * sizeof(float) / KeyValueLayout.PagePositions;

        // Room for about twenty of the fifty.
        var bytes = model.PassBytes + (20 * 30L * position);
        new CacheFit(bytes, model.PassBytes, position, CacheFit.LeastTurnsOf(threads)).Admits(50, 50 * 30).ShouldBeFalse();
        var alone = RunAlone(conversations, new EngineOptions { Threads = 1 }, config);
        var together = RunTogether(conversations, new EngineOptions { Threads = threads, BatchBytes = bytes }, config, seed: 11);
        foreach (var (key, reply) in alone)
            together[key].ShouldBe(reply, key.ToString());
    }

    [Fact]
    public void Caches_given_up_for_want_of_memory_change_nothing()
    {
        var config = TinyModels.Config() with { MaxPositions = 120 };
        var conversations = Conversation.Make(16, config.VocabularySize);
        var alone = RunAlone(conversations, new EngineOptions { Threads = 1 }, config);
        // One context's worth of pages for sixteen sequences.
        var crowded = RunTogether(conversations, new EngineOptions { Threads = 2, CacheBytes = 0 }, config, seed: 3);
        foreach (var (key, reply) in alone)
            crowded[key].ShouldBe(reply, key.ToString());
    }

    [Theory]
    [InlineData(96, 1)]
    [InlineData(9, 2)]
    public void Rollouts_of_one_prompt_feed_it_once_and_get_what_each_gets_alone(int batchRows, int threads)
    {
        var config = TinyModels.Config(ModelFamily.Qwen2);
        var random = new Random(5);
        var prompt = TinyModels.Tokens(random, 40, config.VocabularySize);
        // Whole prompts, longer and shorter ones with the same beginning, and one that ends with its first token.
        var conversations = Enumerable.Range(0, 12).Select(i => new Conversation(i, [.. Enumerable.Range(0, Turns).Select(turn => EngineFixture.Request(
            i, turn > 0 ? TinyModels.Tokens(random, 3, config.VocabularySize) : i == 7 ? prompt[..30] : i == 8 ? [.. prompt, 1, 2, 3] : i == 9 ? [1, 2, .. prompt] : prompt,
            i % 5 == 0 ? 1 : 6, seed: (ulong)((i * 10) + turn)))])).ToArray();
        var alone = RunAlone(conversations, new EngineOptions { Threads = 1 }, config);
        var together = RunTogether(conversations, new EngineOptions { Threads = threads, BatchTurns = 8, BatchRows = batchRows }, config, seed: 8);
        foreach (var (key, reply) in alone)
            together[key].ShouldBe(reply, key.ToString());

        // Four of one prompt, asked for between two orders so that they begin together.
        using var fixture = new EngineFixture(new EngineOptions { Threads = 1 }, config);
        using var done = new CountdownEvent(4);
        fixture.Engine.ReadWeights((_, _) =>
        {
            for (var i = 0; i < 4; i++)
                fixture.Engine.Generate(EngineFixture.Request(i, prompt, 5, seed: (ulong)i), _ => done.Signal());
        });
        done.Wait(EngineFixture.Limit).ShouldBeTrue();
        fixture.Engine.Dispose();
        fixture.Engine.Counters.TokensFed.ShouldBe(40 + 3);
    }

    [Fact]
    public void A_cached_conversation_equals_one_fed_from_the_start()
    {
        using var fixture = new EngineFixture();
        var first = fixture.Generate(1, [1, 2, 3], seed: 5);
        var second = fixture.Generate(1, [4, 5], seed: 6);
        int[] all = [1, 2, 3, .. first.Tokens.Span, 4, 5];
        Describe(fixture.Generate(2, all, seed: 6)).ShouldBe(Describe(second));
    }

    [Fact]
    public void Recorded_log_probabilities_are_those_that_training_sees()
    {
        using var fixture = new EngineFixture();
        var reply = fixture.Generate(1, [1, 2, 3], 20, seed: 9);
        int[] all = [1, 2, 3, .. reply.Tokens.Span];
        var sequence = new TrainSequence(all, Enumerable.Range(3, reply.Tokens.Length).ToArray());
        var scored = EngineFixture.Wait<LogProbsReply>(answer => fixture.Engine.LogProbs([sequence], answer));
        for (var i = 0; i < reply.LogProbs.Length; i++)
            scored.LogProbs[0].Span[i].ShouldBe(reply.ModelLogProbs.Span[i], 2e-6f);
    }

    /// <summary>Heads as wide as whole vectors are summed in one order everywhere, so a synchronous run's ratio is exactly 1.</summary>
    [Fact]
    public void With_heads_of_whole_vectors_they_are_so_to_the_bit()
    {
        var config = TinyModels.Config() with { HiddenSize = 64, HeadSize = 32, Heads = 2, KeyValueHeads = 1, IntermediateSize = 96, VocabularySize = 64 };
        using var fixture = new EngineFixture(config: config);
        for (var prompt = 3; prompt < 90; prompt += 29)
        {
            int[] start = [.. Enumerable.Range(0, prompt).Select(i => i * 7 % 64)];
            var reply = fixture.Generate(prompt, start, 40, seed: 9);
            int[] all = [.. start, .. reply.Tokens.Span];
            var request = new TrainRequest([new TrainSequence(all, Enumerable.Range(prompt, reply.Tokens.Length).ToArray())], new Flat(), new OptimizerOptions(0, WeightDecay: 0));
            var trained = EngineFixture.Wait<TrainReply>(answer => fixture.Engine.Train(request, answer));
            trained.LogProbs[0].ToArray().ShouldBe(reply.ModelLogProbs.ToArray());
        }
    }

    /// <summary>Teaches nothing.</summary>
    private sealed class Flat : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
        {
            gradient.Clear();
            return 0;
        }
    }
}
