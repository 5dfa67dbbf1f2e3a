using System.Buffers.Binary;

namespace Distributed.Credit.Tests;

public sealed class ProgressTests
{
    private static readonly ProgressOptions Small = new(HiddenUnits: 3, LearningRate: 0.01, Epochs: 1);

    [Fact]
    public void Before_training_every_contribution_is_zero() =>
        new ProgressHead(Small, 2).Attribute([new float[] { 1, 2, 3, 4 }])[0].ShouldBe([0, 0]);

    [Fact]
    public void The_gradient_is_the_slope_of_the_error()
    {
        var (rollouts, outcomes) = Sample(5, 4);
        var head = new ProgressHead(Small with { Epochs = 20 }, 4);
        head.Train(rollouts, outcomes);
        head.Error(rollouts, outcomes, out var gradient);
        gradient.Length.ShouldBe(3 * 4 + 3 + 3 + 1);
        for (var i = 0; i < gradient.Length; i++)
        {
            gradient[i].ShouldBe((At(i, 1e-6) - At(i, -1e-6)) / 2e-6, 1e-7 + 1e-6 * Math.Abs(gradient[i]));
        }

        double At(int weight, double step)
        {
            var bytes = head.Save();
            var place = bytes.AsSpan(16 + 8 * weight);
            BinaryPrimitives.WriteDoubleLittleEndian(place, BinaryPrimitives.ReadDoubleLittleEndian(place) + step);
            var moved = new ProgressHead(Small with { Epochs = 20 }, 4);
            moved.Load(bytes);
            return moved.Error(rollouts, outcomes, out _);
        }
    }

    [Fact]
    public void It_finds_the_turn_that_earned_the_outcome()
    {
        var random = new Random(3);
        var head = new ProgressHead(new ProgressOptions(HiddenUnits: 8, LearningRate: 0.02, Epochs: 10), 2);
        for (var batch = 0; batch < 60; batch++)
        {
            // The second number marks a good look-up; any one of the three turns may be it, and success needs one.
            var good = Enumerable.Range(0, 32).Select(_ => random.Next(4)).ToArray();
            head.Train([.. good.Select(Rollout)], [.. good.Select(turn => turn < 3 ? 1.0 : 0)]);
        }

        var contributions = head.Attribute([Rollout(1)])[0];
        contributions[1].ShouldBe(1, 0.1);
        contributions[0].ShouldBe(0, 0.1);
        contributions[2].ShouldBe(0, 0.1);

        static ReadOnlyMemory<float> Rollout(int goodTurn) =>
            Enumerable.Range(0, 3).SelectMany(turn => new[] { 1f, turn == goodTurn ? 1f : 0f }).ToArray();
    }

    [Fact]
    public void A_saved_head_goes_on_to_the_same_bits()
    {
        var (rollouts, outcomes) = Sample(6, 3);
        var head = new ProgressHead(Small, 3);
        head.Train(rollouts, outcomes);
        var again = new ProgressHead(Small, 3);
        again.Load(head.Save());
        head.Train(rollouts, outcomes).ShouldBe(again.Train(rollouts, outcomes));
        again.Save().ShouldBe(head.Save());
        Should.Throw<CreditException>(() => new ProgressHead(Small, 4).Load(head.Save())).Message.ShouldContain("resume with the options of the run");
    }

    [Fact]
    public void Redistributed_rewards_add_up_to_the_outcome()
    {
        var rollout = ProgressCredit.Apply(new ScoredRollout(1, [4, 4, 2]), [0.25, 0.5, 0.1], redistribute: true);
        rollout.Gains!.Value.ShouldBe([0.25, 0.5]);
        rollout.Outcome.ShouldBe(0.25);
        ProgressCredit.Apply(new ScoredRollout(1, [4, 2]), [0.25, 0.5], redistribute: false).Outcome.ShouldBe(1);
        var single = new ScoredRollout(1, [4]);
        ProgressCredit.Apply(single, [0.5], redistribute: true).ShouldBeSameAs(single, "nothing to split");
        Should.Throw<CreditException>(() => ProgressCredit.Apply(rollout, [1], true)).Message.ShouldContain("1 contributions for 3 turns");
    }

    [Fact]
    public void States_that_make_no_sense_are_refused()
    {
        var head = new ProgressHead(Small, 2);
        Should.Throw<CreditException>(() => head.Attribute([new float[3]])).Message.ShouldContain("rollout 0 has 3 numbers");
        Should.Throw<CreditException>(() => head.Attribute([new float[2], new[] { float.NaN, 1 }])).Message.ShouldContain("rollout 1");
        Should.Throw<CreditException>(() => head.Train([new float[2]], [])).Message.ShouldContain("one outcome each");
        Should.Throw<CreditException>(() => new ProgressHead(new ProgressOptions(HiddenUnits: 0), 2)).Message.ShouldContain("hidden_units");
    }

    private static (ReadOnlyMemory<float>[] Rollouts, double[] Outcomes) Sample(int count, int features)
    {
        var random = new Random(1);
        return ([.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<float>)Enumerable.Range(0, (i % 3 + 1) * features).Select(_ => (float)random.NextDouble() - 0.5f).ToArray())],
            [.. Enumerable.Range(0, count).Select(_ => random.NextDouble())]);
    }
}
