using Distributed.Engine.Model;
using Distributed.Engine.Tests;
using Distributed.Engine.Tests.Generation;
using Distributed.Engine.Tests.Training;
using Distributed.Engine.Torch.Hosting;
using Distributed.Ports;
using TorchSharp;

namespace Distributed.Engine.Torch.Tests;

/// <summary>Memory that runs out, and memory that must not grow. Nothing runs beside it: handles are counted and memory is measured for the whole process.</summary>
[Collection(nameof(MemoryTests))]
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public sealed class MemoryTests
{
    private const int Vocabulary = 37;

    [TorchFact]
    public void When_memory_runs_out_a_step_is_split_gives_the_same_and_is_said_once()
    {
        var said = new List<string>();
        using var whole = Open(null);
        using var split = Open(said.Add);
        var random = new Random(2);
        var sequences = Enumerable.Range(0, 12).Select(_ => TorchFixture.RandomSequence(random, random.Next(20, 40), Vocabulary)).ToArray();
        split.Core.TrainLimit.Before = split.Core.ScoreLimit.Before = rows => { if (rows > 100) throw new OutOfMemoryException("CUDA out of memory"); };
        split.Core.SampleLimit.Before = count => { if (count > 2) throw new OutOfMemoryException("CUDA out of memory"); };

        var (one, other) = (split.LogProbs(sequences), whole.LogProbs(sequences));
        for (var i = 0; i < sequences.Length; i++)
            TorchFixture.Difference(one.LogProbs[i].Span, other.LogProbs[i].Span).ShouldBeLessThan(1e-5);
        for (var step = 0; step < 2; step++)
        {
            var request = new TrainRequest(sequences, new MeanLoss(100), new OptimizerOptions(1e-3f));
            split.Train(request).Loss.ShouldBe(whole.Train(request).Loss, 1e-5);
        }

        var replies = Sample(split, 8);
        replies.ShouldAllBe(reply => reply.Error == null);
        Sample(whole, 8).Select(reply => reply.Tokens.ToArray()).ShouldBe(replies.Select(reply => reply.Tokens.ToArray()));
        split.Core.TrainLimit.Most.ShouldBeInRange(40, 100);
        split.Core.ScoreLimit.Most.ShouldBeInRange(40, 100);
        split.Core.SampleLimit.Most.ShouldBe(2);
        said.Count.ShouldBe(3, "once for training, scoring and sampling each");
        said[0].ShouldContain("memory ran out");
    }

    [TorchFact]
    public void One_sequence_that_does_not_fit_is_an_error_and_the_engine_goes_on()
    {
        using var engine = Open(null);
        engine.Core.TrainLimit.Before = rows => { if (rows > 10) throw new OutOfMemoryException("CUDA out of memory"); };
        engine.Core.ScoreLimit.Before = engine.Core.TrainLimit.Before;
        var before = engine.Weights();
        var failed = engine.Train(new TrainRequest([TorchFixture.Whole(TinyModels.Tokens(new Random(1), 30, Vocabulary))], new MeanLoss(1), new OptimizerOptions(1e-3f)));
        failed.Error!.Message.ShouldContain("one sequence of 29 tokens");
        TorchFixture.Difference(engine.Weights(), before).ShouldBe(0);
        engine.LogProbs(TorchFixture.Whole(TinyModels.Tokens(new Random(1), 30, Vocabulary))).Error!.Message.ShouldContain("does not hold 29 tokens");
        engine.Train(new TrainRequest([TorchFixture.Whole(1, 2, 3)], new MeanLoss(1), new OptimizerOptions(1e-3f))).Applied.ShouldBeTrue();
    }

    [TorchFact]
    public void Over_a_long_run_no_tensor_is_left_behind_and_native_memory_does_not_grow()
    {
        // A round that lost its logits alone would lose 7 MB.
        var config = TinyModels.Config(ModelFamily.Qwen2) with { VocabularySize = 2000 };
        using var engine = TorchPolicyEngine.Create(TinyModels.Weights(config, 3), () => new AlphabetTokenizer(2000), TorchFixture.Options);
        var random = new Random(3);
        var sequences = Enumerable.Range(0, 8).Select(_ => TorchFixture.Whole(TinyModels.Tokens(random, random.Next(90, 120), 2000))).ToArray();
        var weights = System.Runtime.InteropServices.MemoryMarshal.AsBytes(engine.Weights().AsSpan()).ToArray();
        for (var i = 0; i < 6; i++)
            Round(i);
        var (tensors, resident) = (Settled(), Environment.WorkingSet);
        for (var i = 0; i < 20; i++)
            Round(i);
        Settled().ShouldBe(tensors, "handles of tensors");
        (Environment.WorkingSet - resident).ShouldBeLessThan(64L << 20, "resident bytes");

        void Round(int i)
        {
            Sample(engine, 4).ShouldAllBe(reply => reply.Error == null);
            engine.LogProbs(sequences).Error.ShouldBeNull();
            engine.Score(new ScoreRequest(new[] { 1, 2, 3 }, [new ScoreBranch(2, new[] { 4, 5 }, 0, 2)])).Error.ShouldBeNull();
            engine.Train(new TrainRequest(sequences, new MeanLoss(100), new OptimizerOptions(1e-3f))).Applied.ShouldBeTrue();
            if (i % 5 == 0)
                TorchFixture.Wait<EngineError?>(reply => engine.LoadWeights(i, weights, reply)).ShouldBeNull();
        }

        static long Settled()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return torch.Tensor.TotalCount;
        }
    }

    private static GenerateReply[] Sample(IPolicyEngine engine, int count)
    {
        var replies = new GenerateReply[count];
        using var done = new CountdownEvent(count);
        for (var i = 0; i < count; i++)
        {
            var index = i;
            engine.Generate(TorchFixture.Request(i, [1, 2, 3 + i], 6, seed: (ulong)i), reply =>
            {
                replies[index] = reply;
                done.Signal();
            });
        }

        done.Wait(TorchFixture.Limit).ShouldBeTrue();
        for (var i = 0; i < count; i++)
            engine.Release(i);
        return replies;
    }

    private static TorchPolicyEngine Open(Action<string>? say) => TorchPolicyEngine.Create(
        TinyModels.Weights(TinyModels.Config(ModelFamily.Qwen2), 3), () => new AlphabetTokenizer(Vocabulary), TorchFixture.Options with { Say = say });
}
