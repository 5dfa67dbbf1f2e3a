using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Training;

/// <summary>What a step takes: managed and native memory. One compute thread, so that all of it happens on the thread that is watched.</summary>
public sealed class StepCostTests
{
    private static readonly OptimizerOptions s_options = new(1e-3f);

    [Fact]
    public void Steps_allocate_no_more_than_their_replies()
    {
        using var weights = TinyModels.Weights(TinyModels.Config(), 5);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(1);
        using var trainer = new Trainer(model, pool);
        using var scorer = new SequenceScorer(model, pool);
        using var branches = new BranchScorer(model, pool);
        var sequences = Sequences(20, 60, 37);
        var request = new TrainRequest(sequences, new MeanLoss(20 * 59), s_options);
        ScoreRequest[] scores = [.. sequences.Select(sequence => new ScoreRequest(sequence.Tokens, [new ScoreBranch(30, new[] { 1, 2, 3, 4 }, 1, 2)]))];
        Action[] work = [() => trainer.Step(request), () => scorer.LogProbs(sequences), () => branches.Score(scores, 1)];
        foreach (var piece in work)
            for (var warmUp = 0; warmUp < 3; warmUp++)
                piece();

        // A reply holds a float a target and an array a sequence; the rest is a few closures and bounds.
        var bound = (4 * 20 * 59) + (20 * 400) + 4096;
        for (var i = 0; i < work.Length; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var step = 0; step < 10; step++)
                work[i]();
            ((GC.GetAllocatedBytesForCurrentThread() - before) / 10).ShouldBeLessThan(bound, $"work {i}");
        }
    }

    [Fact]
    public void Steps_of_the_same_size_take_no_more_native_memory()
    {
        using var weights = TinyModels.Weights(TinyModels.Config(), 5);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(1);
        using var trainer = new Trainer(model, pool);
        var request = new TrainRequest(Sequences(6, 90, 37), new MeanLoss(6 * 89), s_options);
        trainer.Step(request);
        var held = FloatBuffer.HeldByThread;
        for (var step = 0; step < 5; step++)
            trainer.Step(request);
        FloatBuffer.HeldByThread.ShouldBe(held);
    }

    [Theory]
    [InlineData(128, 352, 512, 1, 256)]
    [InlineData(64, 96, 700, 3, 100)]
    [InlineData(64, 96, 100, 1, 1000)]
    public void A_step_takes_the_memory_of_the_formula(int hidden, int inner, int vocabulary, int count, int length)
    {
        var config = new ModelConfig
        {
            HiddenSize = hidden, Layers = 2, Heads = 4, KeyValueHeads = 2, HeadSize = hidden / 4, IntermediateSize = inner, VocabularySize = vocabulary,
            MaxPositions = 1024,
        };
        var before = FloatBuffer.HeldByThread;
        using var weights = ModelWeights.Random(config, 1);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(1);
        using var trainer = new Trainer(model, pool);
        trainer.Step(new TrainRequest(Sequences(count, length, vocabulary), new MeanLoss(count * length), s_options)).Applied.ShouldBeTrue();
        var rows = length - 1 > SequenceRows.PerPass / 2 ? length - 1 : 2 * (length - 1);
        var measured = FloatBuffer.HeldByThread - before - (2L * 1024 * (hidden / 8));
        var formula = StepMemory.Floats(config, 1, rows, length - 1);

        // Rounding, and weight gradients' copies that an earlier request on this thread may have left behind.
        (measured / (double)formula).ShouldBeInRange(0.8, 1.03);
    }

    [Fact]
    public void Memory_of_attention_grows_with_the_tokens_and_not_with_their_square()
    {
        var config = TinyModels.Config() with { MaxPositions = 4096 };
        using var weights = TinyModels.Weights(config, 9);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(1);
        var held = new List<long>();
        // The first is there to make what all requests of this thread share.
        foreach (var length in new[] { 64, 1024, 2048, 4096 })
        {
            var before = FloatBuffer.HeldByThread;
            using var trainer = new Trainer(model, pool);
            trainer.Step(new TrainRequest(Sequences(1, length, 37), new MeanLoss(length), s_options)).Applied.ShouldBeTrue();
            held.Add(FloatBuffer.HeldByThread - before);
        }

        (held[3] - held[2]).ShouldBeLessThan((long)(2.1 * (held[2] - held[1])));
        StepMemory.Pass(config, 4095, 4095).ShouldBeLessThan(4096 * 4096 / 2);
    }

    private static TrainSequence[] Sequences(int count, int length, int vocabulary)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, count).Select(_ => new TrainSequence(
            TinyModels.Tokens(random, length, vocabulary), Enumerable.Range(1, length - 1).ToArray()))];
    }
}
