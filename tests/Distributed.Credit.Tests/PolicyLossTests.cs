using FsCheck;
using FsCheck.Fluent;

namespace Distributed.Credit.Tests;

public sealed class PolicyLossTests
{
    public static TheoryData<PolicyLossKind, KlEstimator> Kinds()
    {
        var data = new TheoryData<PolicyLossKind, KlEstimator>();

        // Cispo's gradient is on purpose not the slope of its loss: its weight is held constant.
        foreach (var kind in Enum.GetValues<PolicyLossKind>())
        {
            if (kind != PolicyLossKind.Cispo) data.Add(kind, KlEstimator.K3);
        }

        data.Add(PolicyLossKind.PpoClip, KlEstimator.K1);
        data.Add(PolicyLossKind.PpoClip, KlEstimator.K2);
        return data;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_gradient_is_the_slope_of_the_loss(PolicyLossKind kind, KlEstimator kl)
    {
        var random = new Random(7);
        for (var round = 0; round < 50; round++)
        {
            var (sequence, logProbs) = RandomSequence(random, spread: 0.4);
            var options = new PolicyLossOptions(kind, 0.2, 0.3, KlCoef: 0.1, KlEstimator: kl);
            var loss = new PolicyLoss(options, [sequence]);
            var gradient = new double[logProbs.Length];
            loss.Evaluate(0, logProbs, gradient);
            for (var i = 0; i < logProbs.Length; i++)
            {
                const double Step = 1e-6;
                var (up, down) = (At(i, Step), At(i, -Step));
                gradient[i].ShouldBe((up - down) / (2 * Step), 2e-6 + 1e-5 * Math.Abs(gradient[i]));
            }

            double At(int target, double step)
            {
                var moved = (double[])logProbs.Clone();
                moved[target] += step;
                return loss.Evaluate(0, moved, new double[moved.Length]);
            }
        }
    }

    [Fact]
    public void On_policy_every_surrogate_is_the_plain_policy_gradient()
    {
        foreach (var kind in Enum.GetValues<PolicyLossKind>())
        {
            double[] logProbs = [-1, -2, -0.5];
            var sequence = new LossSequence(logProbs, new[] { 2.0, 2, -1 }, new[] { 0, 0, 1 });
            var gradient = new double[3];
            new PolicyLoss(new PolicyLossOptions(kind, LossAggMode: LossAggMode.SeqMeanTokenSum), [sequence]).Evaluate(0, logProbs,
                gradient);

            // Gmpo credits the whole sequence with its mean advantage.
            gradient.ShouldMatch(kind == PolicyLossKind.Gmpo ? [-1 / 3.0, -1 / 3.0, -1 / 3.0] : [-2, -2, 1], $"{kind}");
        }
    }

    [Fact]
    public void The_turn_ratio_is_the_turns_own_and_turns_with_equal_advantages_stay_apart()
    {
        double[] old = [-1, -1, -1];
        var sequence = new LossSequence(old, new[] { 1.0, 1, 1 }, new[] { 0, 1, 1 });
        var loss = new PolicyLoss(new PolicyLossOptions(PolicyLossKind.Turn, 0.9, 9, LossAggMode: LossAggMode.SeqMeanTokenSum), [sequence]);
        loss.Evaluate(0, [-1, -0.5, -1], new double[3]).ShouldBe(-1 - 2 * Math.Exp(0.25), 1e-12);
    }

    [Fact]
    public void A_turns_clip_range_follows_its_clip_scale()
    {
        var credit = new RolloutCredit([1, 1], [1.3, 0.7], 0);
        var sequence = LossSequence.FromTurns(new[] { -1f, -1f }, new[] { 0, 1 }, credit);
        var loss = new PolicyLoss(new PolicyLossOptions(PolicyLossKind.Turn, 0.1, 0.1, LossAggMode: LossAggMode.SeqMeanTokenSum),
            [sequence]);
        var gradient = new double[2];
        loss.Evaluate(0, [-0.88, -0.88], gradient);
        gradient[0].ShouldBe(-Math.Exp(0.12), 1e-6);
        gradient[1].ShouldBe(0);
        loss.Statistics().ClipFraction.ShouldBe(0.5);
    }

    [Fact]
    public void Single_and_double_precision_agree()
    {
        var random = new Random(11);
        var (sequence, logProbs) = RandomSequence(random, 0.2);
        var loss = new PolicyLoss(new PolicyLossOptions(), [sequence]);
        var narrow = Array.ConvertAll(logProbs, value => (float)value);
        var (gradient, wide) = (new float[narrow.Length], new double[narrow.Length]);
        loss.Evaluate(0, narrow, gradient).ShouldBe(loss.Evaluate(0, Array.ConvertAll(narrow, value => (double)value), wide));
        gradient.ShouldBe(Array.ConvertAll(wide, value => (float)value));
    }

    [Fact]
    public void Statistics_do_not_depend_on_the_order_or_number_of_evaluations()
    {
        var random = new Random(3);
        var batch = Enumerable.Range(0, 20).Select(_ => RandomSequence(random, 1)).ToArray();
        var loss = new PolicyLoss(new PolicyLossOptions(), [.. batch.Select(item => item.Sequence)]);
        Parallel.For(0, batch.Length, i => Evaluate(batch.Length - 1 - i));
        var first = loss.Statistics();
        for (var i = 0; i < batch.Length; i++) Evaluate(i);
        loss.Statistics().ShouldBe(first);
        first.Tokens.ShouldBe(batch.Sum(item => item.LogProbs.Length));

        void Evaluate(int i) => loss.Evaluate(i, batch[i].LogProbs, new double[batch[i].LogProbs.Length]);
    }

    [Fact]
    public void Any_log_probability_gives_a_finite_loss_or_the_trainer_sees_that_it_is_not()
    {
        var numbers = Gen.Elements(-1e30, -745.0, -50.0, -1.0, 0.0, 50.0);
        var inputs =
            from kind in Gen.Elements(Enum.GetValues<PolicyLossKind>())
            from pairs in Gen.Zip(numbers, numbers).ListOf(4)
            select (kind, pairs);
        Prop.ForAll(Arb.From(inputs), input =>
        {
            double[] old = [.. input.pairs.Select(pair => pair.Item1)];
            double[] now = [.. input.pairs.Select(pair => pair.Item2)];
            var gradient = new double[4];
            var loss = new PolicyLoss(new PolicyLossOptions(input.kind),
                [new LossSequence(old, new[] { 1.0, 1, -1, -1 }, new[] { 0, 0, 1, 1 })]);
            double.IsFinite(loss.Evaluate(0, now, gradient)).ShouldBeTrue();
            gradient.ShouldAllBe(value => double.IsFinite(value));
        }).Check(Config.QuickThrowOnFailure);
        var broken = new PolicyLoss(new PolicyLossOptions(), [new LossSequence(new[] { -1.0 }, new[] { 1.0 }, new[] { 0 })]);
        double.IsNaN(broken.Evaluate(0, [double.NaN], new double[1])).ShouldBeTrue();
    }

    [Fact]
    public void Clip_cov_leaves_out_no_more_tokens_than_it_may_and_chooses_them_by_the_seed()
    {
        double[] logProbs = [.. Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? -3.0 : -0.1)];
        double[] advantages = [.. Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? -1.0 : 1.0)];
        var sequence = new LossSequence(logProbs, advantages, new int[100]);
        var options = new PolicyLossOptions(PolicyLossKind.ClipCov, ClipCovRatio: 0.1);
        var (first, again, other) = (Left(1), Left(1), Left(2));
        first.Length.ShouldBe(10);
        again.ShouldBe(first);
        other.ShouldNotBe(first);

        int[] Left(ulong seed)
        {
            var gradient = new double[100];
            new PolicyLoss(options, [sequence], selectionSeed: seed).Evaluate(0, logProbs, gradient);
            return [.. Enumerable.Range(0, 100).Where(i => gradient[i] == 0)];
        }
    }

    [Fact]
    public void A_sequence_without_targets_costs_nothing_and_is_left_out_of_the_mean()
    {
        var empty = new LossSequence(default, default, default);
        var one = new LossSequence(new[] { -1.0 }, new[] { 1.0 }, new[] { 0 });
        var loss = new PolicyLoss(new PolicyLossOptions(LossAggMode: LossAggMode.SeqMeanTokenMean), [empty, one]);
        loss.Evaluate(0, ReadOnlySpan<double>.Empty, []).ShouldBe(0);
        loss.Evaluate(1, [-1.0], new double[1]).ShouldBe(-1);
    }

    [Fact]
    public void Wrong_sequences_are_refused_with_their_place()
    {
        Refusal(new LossSequence(new[] { -1.0 }, new[] { 1.0, 2 }, new[] { 0 }))
            .ShouldBe("sequence 0 has 2 advantages for 1 old log-probabilities; give one of each per target");
        Refusal(new LossSequence(new[] { -1.0, double.NaN }, new[] { 1.0, 2 }, new[] { 0, 0 }))
            .ShouldContain("sequence 0, target 1: the old log-probability is not finite");
        Refusal(new LossSequence(new[] { -1.0, -1, -1 }, new[] { 1.0, 2, 3 }, new[] { 0, 1, 0 }))
            .ShouldContain("turn 0 comes back at target 2");
        Refusal(new LossSequence(new[] { -1.0 }, new[] { 1.0 }, new[] { 0 }), new PolicyLossOptions(KlCoef: 0.1)).ShouldContain("kl_coef");
        Refusal(new LossSequence(default, default, default), new PolicyLossOptions(PolicyLossKind.Gmpo, LossAggMode: LossAggMode.TokenMean)).ShouldContain("leave it out");
        Refusal(new LossSequence(default, default, default), new PolicyLossOptions(ClipCovLb: 6)).ShouldContain("clip_cov_lb");
        Should.Throw<CreditException>(() => LossSequence.FromTurns(new[] { -1f }, new[] { 2 }, new RolloutCredit([1, 1], [1, 1], 1)))
            .Message.ShouldContain("turn id 2");

        static string Refusal(LossSequence sequence, PolicyLossOptions? options = null) =>
            Should.Throw<CreditException>(() => new PolicyLoss(options ?? new PolicyLossOptions(), [sequence])).Message;
    }

    private static (LossSequence Sequence, double[] LogProbs) RandomSequence(Random random, double spread)
    {
        var length = random.Next(1, 8);
        var old = Enumerable.Range(0, length).Select(_ => -3 * random.NextDouble()).ToArray();
        var now = Array.ConvertAll(old, value => value + spread * (2 * random.NextDouble() - 1));
        int[] turns = [.. Enumerable.Range(0, length).Select(i => i / 3)];
        var byTurn = Enumerable.Range(0, 3).Select(_ => 4 * random.NextDouble() - 2).ToArray();

        // One advantage for the whole sequence: only then is the sequence ratio's stop-gradient form the slope of its loss.
        var advantages = Enumerable.Repeat(byTurn[0], length).ToArray();
        var scales = Array.ConvertAll(turns, turn => 0.7 + 0.1 * turn);
        var weights = Enumerable.Range(0, length).Select(_ => 1.0).ToArray();
        var reference = Array.ConvertAll(old, value => value + 0.5 * random.NextDouble());
        return (new LossSequence(old, advantages, turns, scales, weights, reference), now);
    }
}
