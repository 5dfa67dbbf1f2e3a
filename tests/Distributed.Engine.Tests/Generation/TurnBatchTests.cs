using Distributed.Engine.Generation;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Generation;

public sealed class TurnBatchTests
{
    [Fact]
    public void A_step_allocates_nothing_but_the_growth_of_what_was_sampled()
    {
        const int turns = 4, steps = 100;
        var config = TinyModels.Config() with { MaxPositions = 200 };
        using var weights = TinyModels.Weights(config, 5);
        using var model = new PackedModel(weights);
        var layout = new KeyValueLayout(config.Layers, config.KeyValueHeads, config.HeadSize);
        using var pages = new KeyValuePages(layout, 200);
        var team = new StepTeam(1);
        using var batch = new TurnBatch(config, model.ContextLength, team, new DecoderBatch(model, layout, team, turns, turns, inBlocks: true));
        for (var i = 0; i < turns; i++)
        {
            var request = new GenerateRequest(i, new[] { 1, 2, 3 }, new SamplingOptions(0.9f, TopK: 8), (ulong)i, 180, ["12345"]);
            var turn = new Turn(request, new StopRule(new AlphabetTokenizer(config.VocabularySize), request.StopStrings, config.VocabularySize), _ => { }) { Slot = new SequenceSlot(i) };
            turn.Cache.Reserve(190, pages);
            turn.Begin(0);
            batch.Turns.Add(turn);
        }

        for (var i = 0; i < 10; i++)
            batch.Step();
        var windows = new long[steps / 10];
        for (var window = 0; window < windows.Length; window++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10; i++)
                batch.Step();
            windows[window] = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        batch.TokensSampled.ShouldBe(turns * (10 + steps - 2));

        // Stop strings are looked for in decoded text now and then; sequences' tokens are doubled once or twice.
        windows.Count(bytes => bytes == 0).ShouldBeGreaterThan(windows.Length / 2, string.Join(' ', windows));
    }
}
