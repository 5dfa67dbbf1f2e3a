using Distributed.Engine.Model;
using Distributed.Engine.Tests;
using Distributed.Engine.Tests.Training;
using Distributed.Ports;

namespace Distributed.Engine.Torch.Tests;

/// <summary>The torch engine beside the managed one, on the same weights.</summary>
public sealed class ManagedParityTests
{
    private const int Vocabulary = 37;

    [TorchTheory]
    [InlineData(ModelFamily.Llama, true)]
    [InlineData(ModelFamily.Llama, false)]
    [InlineData(ModelFamily.Qwen2, true)]
    [InlineData(ModelFamily.Qwen3, false)]
    public void Whole_train_steps_give_the_same_weights_norms_and_log_probabilities(ModelFamily family, bool tied)
    {
        // A step of several passes on torch.
        var (torch, managed) = TorchFixture.Pair(TinyModels.Config(family, tied), 31, TorchFixture.Options with { PassTokens = 64 });
        using (torch)
        using (managed)
        {
            var random = new Random(4);
            var sequences = new[] { 3, 45, 12, 2, 60, 21, 22 }.Select(length => TorchFixture.RandomSequence(random, length, Vocabulary)).ToArray();
            var loss = new FunctionLoss(Curved);
            for (var step = 0; step < 3; step++)
            {
                var request = new TrainRequest(sequences, loss, new OptimizerOptions(3e-3f, MaxGradNorm: step == 1 ? 0.5f : 0));
                var (one, other) = (torch.Train(request), managed.Train(request));
                one.Error.ShouldBeNull();
                one.Applied.ShouldBeTrue();
                one.Loss.ShouldBe(other.Loss, 1e-4 * Math.Abs(other.Loss));
                one.GradNorm.ShouldBe(other.GradNorm, 2e-4 * other.GradNorm);
                one.Entropy.ShouldBe(other.Entropy, 1e-4);
                for (var i = 0; i < sequences.Length; i++)
                    TorchFixture.Difference(one.LogProbs[i].Span, other.LogProbs[i].Span).ShouldBeLessThan(2e-4);
            }

            // Where a gradient is near 0, Adam divides noise by noise: a few parameters may differ by a step's length.
            var (own, wanted) = (torch.Weights(), managed.Weights());
            double error = 0, size = 0;
            for (var i = 0; i < own.Length; i++)
                (error, size) = (error + Math.Pow(own[i] - wanted[i], 2), size + Math.Pow(wanted[i], 2));
            Math.Sqrt(error / size).ShouldBeLessThan(2e-5);
        }
    }

    [TorchTheory]
    [InlineData(ModelFamily.Llama)]
    [InlineData(ModelFamily.Qwen2)]
    [InlineData(ModelFamily.Qwen3)]
    public void The_same_seeds_sample_the_same_tokens(ModelFamily family)
    {
        var (torch, managed) = TorchFixture.Pair(TinyModels.Config(family), 5);
        using (torch)
        using (managed)
        {
            foreach (var sampling in new[] { new SamplingOptions(), new SamplingOptions(0.7f, TopK: 9), new SamplingOptions(1.3f, 0, 0.9f, 0.02f) })
            {
                var sequence = sampling.GetHashCode();
                for (var turn = 0; turn < 3; turn++)
                {
                    var request = TorchFixture.Request(sequence, [1 + turn, 2, 3, 4], 20, sampling, seed: (ulong)(7 + turn), "qq");
                    var (one, other) = (torch.Generate(request), managed.Generate(request));
                    one.Tokens.ToArray().ShouldBe(other.Tokens.ToArray());
                    one.Finish.ShouldBe(other.Finish);
                    TorchFixture.Difference(one.LogProbs.Span, other.LogProbs.Span).ShouldBeLessThan(1e-4);
                    TorchFixture.Difference(one.ModelLogProbs.Span, other.ModelLogProbs.Span).ShouldBeLessThan(1e-4);
                }
            }
        }
    }

    [TorchFact]
    public void Packed_scores_are_one_pass_and_equal_the_managed_ones_and_separate_sequences()
    {
        var (torch, managed) = TorchFixture.Pair(TinyModels.Config(ModelFamily.Qwen3), 11);
        using (torch)
        using (managed)
        {
            var random = new Random(5);
            for (var round = 0; round < 20; round++)
            {
                var tokens = TinyModels.Tokens(random, random.Next(1, 90), Vocabulary);
                var branches = Enumerable.Range(0, random.Next(1, 7)).Select(_ => Branch(random, tokens.Length)).ToArray();
                var before = torch.Core.Scorer.PassCount;
                var reply = torch.Score(new ScoreRequest(tokens, branches));
                reply.Error.ShouldBeNull();
                (torch.Core.Scorer.PassCount - before).ShouldBe(1);
                var wanted = managed.Score(new ScoreRequest(tokens, branches)).MeanLogProbs.ToArray();
                for (var b = 0; b < branches.Length; b++)
                {
                    reply.MeanLogProbs.Span[b].ShouldBe(wanted[b], 1e-4);
                    reply.MeanLogProbs.Span[b].ShouldBe(Naive(torch, tokens, branches[b]), 1e-4);
                }
            }

            torch.Score(new ScoreRequest(new[] { 1 }, [])).MeanLogProbs.Length.ShouldBe(0);
            torch.Score(new ScoreRequest(new[] { 1 }, [new ScoreBranch(2, new[] { 1 }, 0, 1)])).Error!.Message.ShouldContain("position 2");
        }
    }

    [TorchFact]
    public void Log_probabilities_and_hidden_states_equal_the_managed_ones()
    {
        var (torch, managed) = TorchFixture.Pair(TinyModels.Config(ModelFamily.Qwen2), 12);
        using (torch)
        using (managed)
        {
            var random = new Random(6);
            var sequences = Enumerable.Range(0, 30).Select(_ => TorchFixture.RandomSequence(random, random.Next(2, 100), Vocabulary)).ToArray();
            sequences[3] = sequences[3] with { Targets = default };
            var (one, other) = (torch.LogProbs(sequences), managed.LogProbs(sequences));
            var states = TorchFixture.Wait<HiddenStatesReply>(reply => torch.HiddenStates(sequences, reply));
            var wanted = TorchFixture.Wait<HiddenStatesReply>(reply => managed.HiddenStates(sequences, reply));
            for (var i = 0; i < sequences.Length; i++)
            {
                TorchFixture.Difference(one.LogProbs[i].Span, other.LogProbs[i].Span).ShouldBeLessThan(1e-4);
                TorchFixture.Difference(states.States[i].Span, wanted.States[i].Span).ShouldBeLessThan(1e-4);
            }
        }
    }

    [TorchFact]
    public void What_was_sampled_in_company_over_cached_turns_is_what_one_uncached_pass_gives()
    {
        var (torch, managed) = TorchFixture.Pair(TinyModels.Config(), 13);
        using (torch)
        using (managed)
        {
            var random = new Random(9);
            using var done = new CountdownEvent(24);
            var replies = new GenerateReply[24];
            var prompts = Enumerable.Range(0, 24).Select(i => TinyModels.Tokens(new Random(i / 4), 20 + (i / 4 * 7), Vocabulary)).ToArray();
            for (var i = 0; i < 24; i++)
            {
                var index = i;
                torch.Generate(TorchFixture.Request(i, prompts[i], 15, seed: (ulong)i), reply =>
                {
                    replies[index] = reply;
                    done.Signal();
                });
            }

            done.Wait(TorchFixture.Limit).ShouldBeTrue();
            for (var i = 0; i < 24; i++)
            {
                replies[i].Error.ShouldBeNull();
                int[] all = [.. prompts[i], .. replies[i].Tokens.Span];
                var uncached = torch.LogProbs(new TrainSequence(all, Enumerable.Range(prompts[i].Length, replies[i].Tokens.Length).ToArray())).LogProbs[0];
                TorchFixture.Difference(uncached.Span, replies[i].LogProbs.Span).ShouldBeLessThan(1e-4);
                var alone = torch.Generate(TorchFixture.Request(100 + i, prompts[i], 15, seed: (ulong)i));
                alone.Tokens.ToArray().ShouldBe(replies[i].Tokens.ToArray());
            }
        }
    }

    private static double Naive(IPolicyEngine engine, int[] tokens, ScoreBranch branch)
    {
        int[] all = [.. tokens[..branch.Position], .. branch.Tokens.Span];
        var targets = Enumerable.Range(branch.Position + branch.SpanStart, branch.SpanLength).ToArray();
        return engine.LogProbs(new TrainSequence(all, targets)).LogProbs[0].ToArray().Average();
    }

    private static ScoreBranch Branch(Random random, int length)
    {
        var tokens = TinyModels.Tokens(random, random.Next(1, 9), Vocabulary);
        var start = random.Next(tokens.Length);
        return new ScoreBranch(random.Next(1, length + 1), tokens, start, random.Next(1, tokens.Length - start + 1));
    }

    private static double Curved(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
    {
        double loss = 0;
        for (var i = 0; i < logProbs.Length; i++)
        {
            var weight = 0.3 + (0.1 * sequence) - (0.01 * i);
            loss += weight * Math.Exp(0.2 * logProbs[i]);
            gradient[i] = (float)(weight * 0.2 * Math.Exp(0.2 * logProbs[i]));
        }

        return loss;
    }
}
