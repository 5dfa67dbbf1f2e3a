using Distributed.Engine.Adapters;
using Distributed.Engine.Generation;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Engine.Tests.Adapters;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Generation;

public sealed class DecoderBatchTests
{
    [Theory]
    [InlineData(ModelFamily.Llama, true)]
    [InlineData(ModelFamily.Qwen2, false)]
    [InlineData(ModelFamily.Qwen3, true)]
    public void Tokens_fed_in_any_pieces_and_any_company_give_the_same_bits(ModelFamily family, bool tied)
    {
        var config = TinyModels.Config(family, tied);
        using var weights = TinyModels.Weights(config, 5);
        using var model = new PackedModel(weights);
        using var host = new Host(model);
        var random = new Random(1);
        var tokens = TinyModels.Tokens(random, 70, config.VocabularySize);

        var alone = host.Open(tokens);
        var whole = host.Feed((alone, 70));
        var oneByOne = host.Open(tokens);
        for (var i = 0; i < 69; i++)
            host.Feed((oneByOne, 1));
        host.Feed((oneByOne, 1))[0].ShouldBe(whole[0]);

        for (var round = 0; round < 10; round++)
        {
            var caches = Enumerable.Range(0, 5).Select(i => host.Open(i == 2 ? tokens : TinyModels.Tokens(random, 70, config.VocabularySize))).ToArray();
            float[][] last = [];
            while (caches[2].Cached < 70)
            {
                var pieces = caches.OrderBy(_ => random.Next()).Select(cache => (cache, Math.Min(random.Next(0, 14), 70 - cache.Cached))).Where(piece => piece.Item2 > 0).ToArray();
                var logits = host.Feed(pieces);
                if (pieces.Length > 0)
                    last = [.. pieces.Select((piece, i) => piece.cache == caches[2] ? logits[i] : null!).Where(row => row is not null)];
            }

            last.Single().ShouldBe(whole[0]);
        }
    }

    [Theory]
    [InlineData(ModelFamily.Llama)]
    [InlineData(ModelFamily.Qwen2)]
    [InlineData(ModelFamily.Qwen3)]
    public void Logits_agree_with_the_scoring_of_whole_sequences(ModelFamily family)
    {
        var config = TinyModels.Config(family);
        using var weights = TinyModels.Weights(config, 8);
        using var model = new PackedModel(weights);
        using var host = new Host(model);
        using var pool = new ComputePool(1);
        using var scorer = new SequenceScorer(model, pool);
        var tokens = TinyModels.Tokens(new Random(2), 60, config.VocabularySize);
        var expected = scorer.LogProbs([new TrainSequence(tokens, Enumerable.Range(1, 59).ToArray())]).LogProbs[0].Span.ToArray();

        var cache = host.Open(tokens);
        for (var t = 1; t < 60; t++)
        {
            var logits = host.Feed((cache, 1))[0];
            var highest = (double)logits.Max();
            var logProb = logits[tokens[t]] - highest - Math.Log(logits.Sum(logit => Math.Exp(logit - highest)));
            ((double)expected[t - 1]).ShouldBe(logProb, 2e-6);
        }
    }

    [Theory]
    [InlineData(1, ModelFamily.Qwen3, false)]
    [InlineData(2, ModelFamily.Qwen2, false)]
    [InlineData(2, ModelFamily.Qwen2, true)]
    [InlineData(3, ModelFamily.Llama, true)]
    public void Rows_run_in_blocks_give_the_bits_of_rows_run_together(int threads, ModelFamily family, bool adapted)
    {
        var config = TinyModels.Config(family);
        using var weights = TinyModels.Weights(config, 6);
        using var model = new PackedModel(weights);
        using var adapter = AdapterFixture.Noise(config, AdapterFixture.Everywhere, 42).ToWeights(config);
        if (adapted)
            _ = new PackedAdapter(model, adapter);
        using var together = new Host(model);
        using var blocks = new Host(model, threads, inBlocks: true);
        var random = new Random(3);
        var prompts = Enumerable.Range(0, 8).Select(_ => TinyModels.Tokens(random, 60, config.VocabularySize)).ToArray();
        var (left, right) = (prompts.Select(together.Open).ToArray(), prompts.Select(blocks.Open).ToArray());
        var inBlocks = 0;
        while (left.Any(cache => cache.Cached < 60))
        {
            // Now and then nobody wants logits, so that a block, or all of them, ends with its keys and values.
            var silent = random.Next(4) == 0;
            var pieces = Enumerable.Range(0, 8).OrderBy(_ => random.Next())
                .Select(i => (Index: i, Count: Math.Min(random.Next(0, 11), 60 - left[i].Cached), Wants: !silent && random.Next(3) > 0)).Where(piece => piece.Count > 0).ToArray();
            var expected = together.Feed([.. pieces.Select(piece => (left[piece.Index], piece.Count, piece.Wants))]);
            var actual = blocks.Feed([.. pieces.Select(piece => (right[piece.Index], piece.Count, piece.Wants))]);
            actual.Length.ShouldBe(pieces.Count(piece => piece.Wants));
            for (var i = 0; i < actual.Length; i++)
                actual[i].ShouldBe(expected[i]);
            inBlocks += blocks.RanInBlocks ? 1 : 0;
        }

        inBlocks.ShouldBeGreaterThan(3);
        together.RanInBlocks.ShouldBeFalse();
    }

    /// <summary>A batch with a store of pages.</summary>
    private sealed class Host : IDisposable
    {
        private readonly KeyValuePages _pages;
        private readonly DecoderBatch _batch;
        private readonly StepTeam _team;
        private readonly Thread[] _helpers;
        private long _next;

        public Host(PackedModel model, int threads = 1, bool inBlocks = false)
        {
            var layout = new KeyValueLayout(model.Config.Layers, model.Config.KeyValueHeads, model.Config.HeadSize);
            _pages = new KeyValuePages(layout, 1000);
            _team = new StepTeam(threads);
            _team.Open();
            _helpers = [.. Enumerable.Range(1, threads - 1).Select(thread => new Thread(() => _team.Help(thread)) { IsBackground = true })];
            foreach (var helper in _helpers)
                helper.Start();
            _batch = new DecoderBatch(model, layout, _team, 80, 8, inBlocks);
        }

        public bool RanInBlocks => _batch.BlockCount > 0;

        public SequenceCache Open(int[] tokens)
        {
            var cache = new SequenceCache(_next++);
            cache.Append(tokens);
            cache.Reserve(tokens.Length, _pages);
            return cache;
        }

        /// <summary>Feeds the next tokens of each; the logits after the last of each.</summary>
        public float[][] Feed(params (SequenceCache Cache, int Count)[] pieces) => Feed([.. pieces.Select(piece => (piece.Cache, piece.Count, true))]);

        /// <summary>Feeds the next tokens of each; the logits after the last of each that wants them.</summary>
        public float[][] Feed((SequenceCache Cache, int Count, bool WantsLogits)[] pieces)
        {
            _batch.Clear();
            foreach (var (cache, count, wantsLogits) in pieces)
                _batch.Add(cache, count, wantsLogits);
            _batch.Run();
            foreach (var (cache, count, _) in pieces)
                cache.MarkCached(count);
            return [.. Enumerable.Range(0, pieces.Count(piece => piece.WantsLogits)).Select(i => _batch.Logits(i).ToArray())];
        }

        public void Dispose()
        {
            _team.Close();
            foreach (var helper in _helpers)
                helper.Join(TimeSpan.FromSeconds(30)).ShouldBeTrue();
            _batch.Dispose();
            _pages.Dispose();
        }
    }
}
