using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Training;

public sealed class TrainerTests
{
    private static readonly OptimizerOptions s_options = new(3e-3f, MaxGradNorm: 1f);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Steps_are_the_same_to_the_bit_for_the_same_number_of_threads(int threads)
    {
        var first = Train(threads, out var firstReply);
        var second = Train(threads, out var secondReply);
        second.ShouldBe(first);
        secondReply.Loss.ShouldBe(firstReply.Loss);
        secondReply.GradNorm.ShouldBe(firstReply.GradNorm);

        static byte[] Train(int threads, out TrainReply reply)
        {
            using var bench = new Bench(threads);
            reply = null!;
            for (var step = 0; step < 4; step++)
                reply = bench.Trainer.Step(Bench.Request(step, 40, s_options));
            return bench.Bytes();
        }
    }

    [Fact]
    public void Log_probabilities_before_a_step_do_not_depend_on_threads_or_company()
    {
        using var one = new Bench(1);
        using var three = new Bench(3);
        var request = Bench.Request(1, 30, s_options);
        using var scorer = new SequenceScorer(one.Model, one.Pool);
        var alone = request.Sequences.Select(sequence => scorer.LogProbs([sequence]).LogProbs[0].ToArray()).ToArray();
        var single = one.Trainer.Step(request);
        var several = three.Trainer.Step(request);
        for (var i = 0; i < alone.Length; i++)
        {
            several.LogProbs[i].ToArray().ShouldBe(single.LogProbs[i].ToArray());
            for (var t = 0; t < alone[i].Length; t++)
                alone[i][t].ShouldBe(single.LogProbs[i].Span[t], 1e-5f);
        }
    }

    [Fact]
    public void Training_lowers_the_loss()
    {
        using var bench = new Bench(2);
        var first = bench.Trainer.Step(Bench.Request(1, 20, s_options));
        for (var step = 0; step < 60; step++)
            bench.Trainer.Step(Bench.Request(1, 20, s_options));
        bench.Trainer.Step(Bench.Request(1, 20, s_options)).Loss.ShouldBeLessThan(first.Loss * 0.6);
        first.GradNorm.ShouldBeGreaterThan(0);
        first.Entropy.ShouldBeInRange(0.1, Math.Log(37));
    }

    [Theory]
    [InlineData(double.NaN, 0f)]
    [InlineData(1.0, float.PositiveInfinity)]
    [InlineData(1.0, float.NaN)]
    public void A_loss_or_gradient_that_is_not_finite_changes_nothing(double loss, float gradient)
    {
        using var bench = new Bench(2);
        using var undisturbed = new Bench(2);
        bench.Trainer.Step(Bench.Request(1, 10, s_options));
        undisturbed.Trainer.Step(Bench.Request(1, 10, s_options));
        var before = bench.Bytes();
        var good = Bench.Request(2, 10, s_options);
        var bad = good with
        {
            Loss = new FunctionLoss((sequence, logProbs, target) =>
            {
                target.Fill(sequence == 7 ? gradient : 0.1f);
                return sequence == 7 ? loss : 0;
            }),
        };
        var reply = bench.Trainer.Step(bad);
        reply.Applied.ShouldBeFalse();
        reply.Error.ShouldBeNull();
        bench.Bytes().ShouldBe(before);
        bench.Trainer.ReadOptimizer().Step.ShouldBe(1);

        bench.Trainer.Step(good);
        undisturbed.Trainer.Step(good);
        bench.Bytes().ShouldBe(undisturbed.Bytes());
    }

    [Fact]
    public void A_loss_that_throws_fails_the_step_and_changes_nothing()
    {
        using var bench = new Bench(2);
        using var undisturbed = new Bench(2);
        var before = bench.Bytes();
        var request = Bench.Request(2, 10, s_options);
        var reply = bench.Trainer.Step(request with
        {
            Loss = new FunctionLoss((sequence, _, _) => sequence == 9 ? throw new InvalidOperationException("no such advantage") : 0),
        });
        reply.Applied.ShouldBeFalse();
        reply.Error.ShouldNotBeNull().Message.ShouldContain("no such advantage");
        bench.Bytes().ShouldBe(before);
        bench.Trainer.Step(request);
        undisturbed.Trainer.Step(request);
        bench.Bytes().ShouldBe(undisturbed.Bytes());
    }

    [Fact]
    public void The_optimizer_goes_on_from_its_state_as_if_it_had_never_stopped()
    {
        using var whole = new Bench(2);
        using var resumed = new Bench(2);
        for (var step = 0; step < 3; step++)
            whole.Trainer.Step(Bench.Request(step, 10, s_options));
        resumed.Weights.CopyFrom(whole.Bytes());
        resumed.Model.Repack();
        resumed.Trainer.LoadOptimizer(whole.Trainer.ReadOptimizer()).ShouldBeNull();
        whole.Trainer.Step(Bench.Request(9, 10, s_options));
        resumed.Trainer.Step(Bench.Request(9, 10, s_options));
        resumed.Bytes().ShouldBe(whole.Bytes());

        resumed.Trainer.LoadOptimizer(null).ShouldBeNull();
        resumed.Trainer.ReadOptimizer().Step.ShouldBe(0);
        resumed.Trainer.ReadOptimizer().FirstMoment.ToArray().ShouldAllBe(b => b == 0);
    }

    [Fact]
    public void A_state_of_another_model_is_refused()
    {
        using var bench = new Bench(1);
        var state = bench.Trainer.ReadOptimizer();
        bench.Trainer.LoadOptimizer(state with { FirstMoment = new byte[8] }).ShouldNotBeNull().Message.ShouldContain("another model");
        bench.Trainer.LoadOptimizer(state with { Step = -1 }).ShouldNotBeNull().Message.ShouldContain("negative");
        var poisoned = state.SecondMoment.ToArray();
        BitConverter.TryWriteBytes(poisoned.AsSpan(40), float.NaN);
        bench.Trainer.LoadOptimizer(state with { SecondMoment = poisoned }).ShouldNotBeNull().Message.ShouldContain("not finite");
        Should.Throw<ArgumentException>(() => bench.Weights.CopyFrom(new byte[12])).Message.ShouldContain("another model");
    }

    [Fact]
    public void Wrong_sequences_are_refused_with_their_number()
    {
        using var bench = new Bench(1);
        Refusal(new int[201], [1]).ShouldContain("Sequence 1 has 201 tokens; the context holds 200");
        Refusal([1, 37], [1]).ShouldContain("Sequence 1 has the token 37");
        Refusal([1, 2, 3], [0]).ShouldContain("Sequence 1 has the target 0");
        Refusal([1, 2, 3], [3]).ShouldContain("Sequence 1 has the target 3");
        Refusal([1, 2, 3], [2, 1]).ShouldContain("Sequence 1 has the target 1");
        bench.Trainer.Step(new TrainRequest([], new MeanLoss(1), s_options)).Error.ShouldNotBeNull().Message.ShouldContain("no sequence");
        bench.Trainer.Step(Bench.Request(0, 2, s_options with { Beta1 = 1f })).Error.ShouldNotBeNull().Message.ShouldContain("betas");

        string Refusal(int[] tokens, int[] targets)
        {
            TrainSequence[] sequences = [new(new[] { 1, 2 }, new[] { 1 }), new(tokens, targets)];
            using var scorer = new SequenceScorer(bench.Model, bench.Pool);
            var message = bench.Trainer.Step(new TrainRequest(sequences, new MeanLoss(1), s_options)).Error.ShouldNotBeNull().Message;
            scorer.LogProbs(sequences).Error.ShouldNotBeNull().Message.ShouldBe(message);
            return message;
        }
    }

    [Fact]
    public void Sequences_without_targets_are_only_counted()
    {
        using var bench = new Bench(2);
        TrainSequence[] sequences = [new(new[] { 1, 2, 3 }, ReadOnlyMemory<int>.Empty), new(new[] { 4, 5, 6 }, new[] { 2 })];
        var seen = new bool[2];
        var reply = bench.Trainer.Step(new TrainRequest(
            sequences, new FunctionLoss((sequence, logProbs, gradient) => { seen[sequence] = true; gradient.Fill(-1); return 0; }), s_options));
        reply.Applied.ShouldBeTrue();
        reply.LogProbs[0].Length.ShouldBe(0);
        reply.LogProbs[1].Length.ShouldBe(1);
        seen.ShouldBe([true, true]);
    }

    [Fact]
    public void A_pool_rethrows_what_a_thread_threw_and_goes_on()
    {
        using var pool = new ComputePool(4);
        for (var round = 0; round < 200; round++)
        {
            var done = 0;
            pool.Run(_ => Interlocked.Increment(ref done));
            done.ShouldBe(4);
        }

        Should.Throw<InvalidOperationException>(() => pool.Run(thread => { if (thread == 2) throw new InvalidOperationException("two"); }));
        var after = 0;
        pool.Run(_ => Interlocked.Increment(ref after));
        after.ShouldBe(4);
    }

    private sealed class Bench : IDisposable
    {
        public Bench(int threads)
        {
            Weights = TinyModels.Weights(TinyModels.Config(), 31);
            Model = new PackedModel(Weights);
            Pool = new ComputePool(threads);
            Trainer = new Trainer(Model, Pool);
        }

        public ModelWeights Weights { get; }

        public PackedModel Model { get; }

        public ComputePool Pool { get; }

        public Trainer Trainer { get; }

        public static TrainRequest Request(int seed, int count, OptimizerOptions options)
        {
            var random = new Random(seed);
            var sequences = Enumerable.Range(0, count).Select(_ =>
            {
                var length = random.Next(2, 60);
                return new TrainSequence(TinyModels.Tokens(random, length, 37), Enumerable.Range(1, length - 1).Where(t => t % 3 != 0).ToArray());
            }).ToArray();
            return new TrainRequest(sequences, new MeanLoss(sequences.Sum(s => s.Targets.Length)), options);
        }

        public byte[] Bytes()
        {
            var bytes = new byte[Weights.ByteCount];
            Weights.CopyTo(bytes);
            return bytes;
        }

        public void Dispose()
        {
            Trainer.Dispose();
            Pool.Dispose();
            Model.Dispose();
            Weights.Dispose();
        }
    }
}
