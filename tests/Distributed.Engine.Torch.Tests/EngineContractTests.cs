using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Tests;
using Distributed.Engine.Tests.Generation;
using Distributed.Engine.Tests.Training;
using Distributed.Engine.Torch.Hosting;
using Distributed.Ports;

namespace Distributed.Engine.Torch.Tests;

/// <summary>What the port promises, on torch. The queue and the sampling loop are the managed engine's, whose tests go further.</summary>
public sealed class EngineContractTests
{
    private const int Vocabulary = 37;

    [TorchFact]
    public void Every_request_of_every_kind_gets_exactly_one_reply_and_closing_answers_the_rest()
    {
        var engine = Open(3);
        var weights = Bytes(engine);
        var counts = new ConcurrentDictionary<string, int>();
        Action<T> Count<T>(string key) => _ => counts.AddOrUpdate(key, 1, (_, count) => count + 1);
        const int rounds = 40;
        var expected = 0;
        for (var i = 0; i < rounds; i++)
        {
            expected++;
            engine.Generate(TorchFixture.Request(i % 7, [i % Vocabulary], 5, seed: (ulong)i), Count<GenerateReply>($"generate {i}"));
            if (i % 5 == 0)
                engine.Score(new ScoreRequest(new[] { 1, 2, 3 }, [new ScoreBranch(2, new[] { 4, 5 }, 0, 2)]), Count<ScoreReply>($"score {expected++}"));
            if (i % 9 == 0)
                engine.Train(Step(), Count<TrainReply>($"train {expected++}"));
            if (i % 11 == 0)
                engine.LoadWeights(i, weights, Count<EngineError?>($"load {expected++}"));
        }

        engine.Dispose();
        counts.Count.ShouldBe(expected);
        counts.Values.ShouldAllBe(count => count == 1);
        engine.Counters.CallbackFailures.ShouldBe(0);
        TorchFixture.Wait<GenerateReply>(reply => engine.Generate(TorchFixture.Request(1, [1]), reply)).Error!.Message.ShouldContain("closed");
    }

    [TorchFact]
    public void Weights_go_in_and_out_unchanged_and_wrong_ones_are_refused()
    {
        using var engine = Open(3);
        using var other = Open(4);
        var fresh = Bytes(other);
        TorchFixture.Wait<EngineError?>(reply => engine.LoadWeights(7, fresh, reply)).ShouldBeNull();
        engine.WeightsVersion.ShouldBe(7);
        Bytes(engine).AsSpan().SequenceEqual(fresh).ShouldBeTrue();
        engine.Generate(TorchFixture.Request(1, [1, 2, 3], seed: 5)).Tokens.ToArray()
            .ShouldBe(other.Generate(TorchFixture.Request(1, [1, 2, 3], seed: 5)).Tokens.ToArray());

        TorchFixture.Wait<EngineError?>(reply => engine.LoadWeights(8, fresh.AsMemory(4), reply))!.Message.ShouldContain("belong to another model");
        MemoryMarshal.Cast<byte, float>(fresh.AsSpan())[11] = float.NaN;
        TorchFixture.Wait<EngineError?>(reply => engine.LoadWeights(8, fresh, reply))!.Message.ShouldContain("not finite");
        engine.WeightsVersion.ShouldBe(7);
    }

    [TorchFact]
    public void Training_goes_on_from_a_copied_state_as_it_would_have_gone_on()
    {
        using var engine = Open(3);
        engine.Train(Step()).Applied.ShouldBeTrue();
        var weights = Bytes(engine);
        var state = TorchFixture.Wait<OptimizerState?>(reply => engine.ReadOptimizer((read, _) => reply(read)))!;
        state.Step.ShouldBe(1);
        engine.Train(Step());

        using var copy = Open(9);
        TorchFixture.Wait<EngineError?>(reply => copy.LoadWeights(1, weights, reply)).ShouldBeNull();
        TorchFixture.Wait<EngineError?>(reply => copy.LoadOptimizer(state, reply)).ShouldBeNull();
        copy.Train(Step());
        TorchFixture.Difference(copy.Weights(), engine.Weights()).ShouldBe(0);

        // The managed engine goes on from it too.
        using var managed = ManagedPolicyEngine.FromWeights(TinyModels.Config(), weights, new AlphabetTokenizer(Vocabulary), new EngineOptions { Threads = 1 });
        TorchFixture.Wait<EngineError?>(reply => managed.LoadOptimizer(state, reply)).ShouldBeNull();
        managed.Train(Step());
        TorchFixture.Difference(managed.Weights(), engine.Weights()).ShouldBeLessThan(1e-4);
    }

    [TorchFact]
    public void A_loss_that_is_not_finite_changes_nothing()
    {
        using var engine = Open(3);
        var before = engine.Weights();
        engine.Train(Step() with { Loss = new FunctionLoss((_, _, _) => double.NaN) }).Applied.ShouldBeFalse();
        TorchFixture.Difference(engine.Weights(), before).ShouldBe(0);
        engine.Train(Step()).Applied.ShouldBeTrue();
    }

    [TorchFact]
    public void A_sequence_that_goes_on_after_training_is_as_if_the_new_weights_had_read_it_all()
    {
        using var engine = Open(3);
        var first = engine.Generate(TorchFixture.Request(1, [1, 2, 3]));
        engine.Train(Step()).Applied.ShouldBeTrue();
        var second = engine.Generate(TorchFixture.Request(1, [4], seed: 5));
        var whole = engine.Generate(TorchFixture.Request(2, [1, 2, 3, .. first.Tokens.Span, 4], seed: 5));
        second.Tokens.ToArray().ShouldBe(whole.Tokens.ToArray());
        TorchFixture.Difference(second.LogProbs.Span, whole.LogProbs.Span).ShouldBeLessThan(1e-5);
    }

    [TorchFact]
    public void A_partial_rollout_goes_on_with_new_weights_and_tells_which_sampled_what()
    {
        using var engine = Open(3);
        using var other = Open(4);
        var fresh = Bytes(other);
        using var replies = new BlockingCollection<GenerateReply>();
        engine.Generate(TorchFixture.Request(1, [1, 2, 3], 150) with { PartialRollout = true }, replies.Add);
        TorchFixture.Wait<EngineError?>(reply => engine.LoadWeights(5, fresh, reply)).ShouldBeNull();
        replies.TryTake(out var reply, TorchFixture.Limit).ShouldBeTrue();
        reply!.Versions.Sum(run => run.Tokens).ShouldBe(reply.Tokens.Length);
        reply.Version.ShouldBe(5);
    }

    [TorchFact]
    public void A_groups_prompt_is_fed_once_and_a_saved_model_is_the_same_for_the_managed_engine()
    {
        using var engine = Open(3);
        var prompt = TinyModels.Tokens(new Random(1), 100, Vocabulary);
        using var done = new CountdownEvent(8);
        engine.ReadWeights((_, _) =>
        {
            for (var i = 0; i < 8; i++)
                engine.Generate(TorchFixture.Request(i, prompt, 5, seed: (ulong)i), _ => done.Signal());
        });
        done.Wait(TorchFixture.Limit).ShouldBeTrue();
        engine.Counters.TokensFed.ShouldBe(100 + 7);

        var folder = Directory.CreateTempSubdirectory("torch-model-").FullName;
        TorchFixture.Wait<EngineError?>(reply => engine.SaveModel(folder, reply)).ShouldBeNull();
        using (var weights = ModelFolder.Load(folder))
            TorchFixture.Difference(weights.Span, engine.Weights()).ShouldBe(0);
        Directory.Delete(folder, recursive: true);
    }

    [TorchFact]
    public void What_cannot_be_used_is_refused_in_one_line()
    {
        Should.Throw<ArgumentException>(() => Open(1, TorchFixture.Options with { Device = "gpu" })).Message.ShouldContain("name cpu, cuda or cuda:N");
        Should.Throw<ArgumentException>(() => Open(1, TorchFixture.Options with { PassTokens = -1 })).Message.ShouldContain("PassTokens");
        if (!TorchRuntime.HasCuda)
            Should.Throw<ArgumentException>(() => Open(1, TorchFixture.Options with { Device = "cuda:0" })).Message.ShouldContain("no CUDA device");
    }

    private static TorchPolicyEngine Open(ulong seed, TorchEngineOptions? options = null) => TorchPolicyEngine.Create(
        TinyModels.Weights(TinyModels.Config(), seed), () => new AlphabetTokenizer(Vocabulary), options ?? TorchFixture.Options);

    private static byte[] Bytes(TorchPolicyEngine engine) => MemoryMarshal.AsBytes(engine.Weights().AsSpan()).ToArray();

    private static TrainRequest Step() => new(
        [TorchFixture.Whole(1, 2, 3, 4, 5, 6), new TrainSequence(new[] { 9, 8, 7 }, new[] { 2 })], new MeanLoss(6), new OptimizerOptions(0.01f));
}
