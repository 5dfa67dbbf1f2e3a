using Distributed.Engine.Generation;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Generation;

public sealed class GenerationLoopTests
{
    [Theory]
    [InlineData(20 * 8, 20)]
    [InlineData(10 * 8, 50)] // fewer than 16 would fit
    [InlineData(0, 50)] // no bound
    public void As_many_turns_go_on_together_as_the_processors_cache_admits(long room, int expected)
    {
        var config = TinyModels.Config() with { MaxPositions = 64 };
        var layout = new KeyValueLayout(config.Layers, config.KeyValueHeads, config.HeadSize);
        var (gate, batch, answered) = (new object(), new CountingBatch(), 0);

        // Turns of 3 tokens and 10 sampled come to 8 positions halfway, here of one byte each.
        using var loop = new GenerationLoop(
            gate, config, 64, new GenerationBounds(100, 400), new KeyValuePages(layout, 400), new StepTeam(1), batch, new CacheFit(room, 0, 1, 16), _ => answered++);
        lock (gate)
        {
            for (var i = 0; i < 50; i++)
            {
                var request = new GenerateRequest(i, new[] { 1 + (i % 30), 2, 3 }, new SamplingOptions(), 1, 10, []);
                loop.Add(new Turn(request, new StopRule(new AlphabetTokenizer(config.VocabularySize), [], config.VocabularySize), _ => { }));
            }

            loop.Open();
        }

        loop.Run(0);
        answered.ShouldBe(50);
        batch.MostSequences.ShouldBe(expected);
    }

    /// <summary>Draws the same token always, and notes how many sequences a run has.</summary>
    private sealed class CountingBatch : IStepBatch
    {
        private int _sequences;

        public int MostSequences { get; private set; }

        public int MaxRows => 256;

        public void Clear() => _sequences = 0;

        public void Add(SequenceCache sequence, int count, bool wantsLogits) => _sequences++;

        public void Run() => MostSequences = Math.Max(MostSequences, _sequences);

        public ReadOnlySpan<float> Logits(int index) => default;

        public Draw? Drawn(int index) => new Draw(5, -1f, -1f);

        public void Dispose()
        {
        }
    }
}
