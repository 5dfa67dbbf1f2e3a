using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;

namespace Distributed.Credit.Tests;

/// <summary>What must hold for every method on every input; a failure prints the seed that repeats it.</summary>
public sealed class InvariantTests
{
    private const int Runs = 100;

    public static TheoryData<string> Methods() =>
        [.. AdvantageEstimators.All.Select(entry => entry.Name), "igpo separate", "igpo released", "a2tgpo released", "gigpo gains",
        "turn-peer all", "turn-peer peers", "turn-peer batch"];

    /// <summary>Methods whose advantages do not change when every outcome of a prompt grows by the same amount.</summary>
    public static TheoryData<string> ShiftInvariant() =>
        ["grpo", "rloo", "reinforce++", "reinforce++-baseline", "a2tgpo", "a2tgpo released", "igpo separate", "turn-peer", "turn-peer all",
            "turn-peer peers", "turn-peer batch", "istar"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Permuting_the_rollouts_permutes_the_credit(string method)
    {
        var estimator = Make(method);
        Check(Batches, batch =>
        {
            var credit = estimator.Assign(batch);
            var reversed = estimator.Assign([.. batch.Select(group => group with { Rollouts = [.. group.Rollouts.Reverse()] })]);
            for (var g = 0; g < batch.Length; g++)
            {
                var back = reversed.Groups[g].Rollouts.Reverse().ToArray();
                for (var i = 0; i < back.Length; i++)
                {
                    back[i].Advantages.ShouldMatch(credit.Groups[g].Rollouts[i].Advantages, method, 1e-8, 1e-8);
                    back[i].ClipScales.ShouldMatch(credit.Groups[g].Rollouts[i].ClipScales, method, 1e-8, 1e-8);
                }
            }
        });
    }

    [Theory]
    [MemberData(nameof(ShiftInvariant))]
    public void Shifting_every_outcome_changes_nothing(string method)
    {
        var estimator = Make(method);
        Check(Batches, batch =>
        {
            var credit = estimator.Assign(batch);
            var shifted = estimator.Assign([.. batch
                .Select(group => group with { Rollouts = [.. group.Rollouts.Select(r => r with { Outcome = r.Outcome + 8 })] })]);
            ForEachPair(credit, shifted, (a, b) => b.Advantages.ShouldMatch(a.Advantages, method, 1e-7, 1e-7));
        });
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_group_of_one_turn_in_all_gets_exactly_zero(string method)
    {
        var estimator = Make(method);
        Check(Gen.Choose(-40, 40), outcome =>
            estimator.Assign([new("q", [new(outcome / 8.0, [3])])]).Groups[0].Rollouts[0].Advantages.ShouldBe([0.0]));
    }

    [Theory]
    [InlineData("grpo")]
    [InlineData("rloo")]
    [InlineData("reinforce++-baseline")]
    [InlineData("a2tgpo")]
    [InlineData("a2tgpo released")]
    [InlineData("turn-peer")]
    [InlineData("turn-peer all")]
    [InlineData("turn-peer peers")]
    [InlineData("turn-peer batch")]
    public void A_group_of_one_gets_exactly_zero(string method)
    {
        var estimator = Make(method);
        Check(Rollouts, rollout => estimator.Assign([new("q", [rollout])]).Groups[0].Rollouts[0].Advantages.ShouldAllBe(a => a == 0));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Equal_rollouts_that_answer_at_once_get_exactly_zero(string method)
    {
        var estimator = Make(method);
        Check(Gen.Choose(-9, 9).SelectMany(outcome => Gen.Choose(1, 9), (outcome, count) => (Outcome: outcome / 10.0, Count: count)),
            given =>
        {
            ImmutableArray<ScoredRollout> equal = [.. Enumerable.Repeat(new ScoredRollout(given.Outcome, [3]), given.Count)];
            estimator.Assign([new("q", equal)]).Groups[0].Rollouts.ShouldAllBe(rollout => rollout.Advantages[0] == 0);
        });
    }

    [Theory]
    [InlineData("grpo")]
    [InlineData("rloo")]
    [InlineData("reinforce++-baseline")]
    [InlineData("a2tgpo")]
    [InlineData("igpo separate")]
    [InlineData("turn-peer")]
    [InlineData("istar")]
    public void Rewards_that_differ_by_rounding_alone_are_equal(string method)
    {
        var estimator = Make(method);
        Check(Gen.Choose(1, 99).Two(), given =>
        {
            // The same numbers by another order of adding, as information gains come about.
            double Same(int n, int i) => (n / 100.0 + 0.1 * i) - 0.1 * i;
            ImmutableArray<ScoredRollout> rollouts = [.. Enumerable.Range(0, 5).Select(i => new ScoredRollout(Same(given.Item1, i), [3, 3], [Same(given.Item2, i)])
            {
                Signals = [.. Enumerable.Repeat(new TurnSignals { ProcessReward = Same(given.Item2, i) }, 2)],
            })];
            estimator.Assign([new("q", rollouts)]).Groups[0].Rollouts.SelectMany(rollout => rollout.Advantages).ShouldAllBe(a => a == 0);
        });
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Any_input_gives_finite_credit_or_is_refused_with_a_reason(string method)
    {
        var estimator = Make(method);
        Check(WildBatches, batch =>
        {
            BatchCredit credit;
            try
            {
                credit = estimator.Assign(batch);
            }
            catch (CreditException refusal)
            {
                refusal.Message.ShouldStartWith("group '");
                refusal.Message.ShouldNotContain('\n');
                return;
            }

            credit.Groups.Length.ShouldBe(batch.Length);
            for (var g = 0; g < batch.Length; g++)
            {
                for (var i = 0; i < batch[g].Rollouts.Length; i++)
                {
                    var rollout = credit.Groups[g].Rollouts[i];
                    rollout.Advantages.Length.ShouldBe(batch[g].Rollouts[i].TurnCount);
                    rollout.ClipScales.Length.ShouldBe(rollout.Advantages.Length);
                    rollout.Advantages.ShouldAllBe(a => double.IsFinite(a));
                    rollout.ClipScales.ShouldAllBe(c => c >= 0.5 && c <= 1.5);
                }
            }
        });
    }

    [Fact]
    public void Every_shaper_keeps_groups_valid()
    {
        var shapers = RewardShapers.All.Select(entry => RewardShapers.Create(entry.Name)).ToArray();
        Check(Batches, batch =>
        {
            foreach (var shaper in shapers)
            {
                foreach (var group in batch)
                {
                    var shaped = shaper.Shape(group);
                    shaped.Validate();
                    shaped.Rollouts.Length.ShouldBe(group.Rollouts.Length);
                    shaped.Rollouts.Zip(group.Rollouts)
                        .ShouldAllBe(pair => pair.First.TurnTokens == pair.Second.TurnTokens
                        && (pair.First.HasGains || !pair.Second.HasGains));
                }
            }
        }, runs: 30);
    }

    [Fact]
    public void With_every_part_switched_off_a2tgpo_is_igpo_separate()
    {
        var bare = new A2tgpo(new A2tgpoOptions(TurnGroupNorm: false, SqrtScaling: false, AdaptiveClip: false));
        var igpo = new Igpo(new IgpoOptions(IgpoNorm.Separate));
        Check(Batches, batch => ForEachPair(bare.Assign(batch), igpo.Assign(batch), (a, b) => a.Advantages
            .ShouldMatch(b.Advantages, "advantage", 1e-9, 1e-9)));
    }

    [Fact]
    public void A_floor_above_the_spread_keeps_noise_sized_gains_small()
    {
        var floored = new A2tgpo(new A2tgpoOptions(IgStdFloor: 0.1, SqrtScaling: false));
        var plain = new A2tgpo(new A2tgpoOptions(SqrtScaling: false));
        ScoredGroup[] batch = [new("q", [new(0, [1, 1], [1e-4]), new(0, [1, 1], [3e-4]), new(0, [1, 1], [2e-4])])];
        Math.Abs(plain.Assign(batch).Groups[0].Rollouts[0].Advantages[0]).ShouldBeGreaterThan(1);
        Math.Abs(floored.Assign(batch).Groups[0].Rollouts[0].Advantages[0]).ShouldBe(1e-3, 1e-9);
    }

    private static IAdvantageEstimator Make(string method) => method switch
    {
        "igpo separate" => new Igpo(new IgpoOptions(IgpoNorm.Separate)),
        "igpo released" => new Igpo(new IgpoOptions(Variant: MethodVariant.Released)),
        "a2tgpo released" => new A2tgpo(new A2tgpoOptions(Variant: MethodVariant.Released)),
        "gigpo gains" => new Gigpo(new GigpoOptions(UseGains: true)),
        "turn-peer all" => new TurnPeer(new TurnPeerOptions(Peers: TurnPeers.AllRollouts)),
        "turn-peer peers" => new TurnPeer(new TurnPeerOptions(Scale: AdvantageScale.Peers)),
        "turn-peer batch" => new TurnPeer(new TurnPeerOptions(Scale: AdvantageScale.Batch)),
        _ => AdvantageEstimators.Create(method),
    };

    private static void Check<T>(Gen<T> inputs, Action<T> property, int runs = Runs) =>
        Prop.ForAll(Arb.From(inputs), property).Check(Config.QuickThrowOnFailure.WithMaxTest(runs));

    private static void ForEachPair(BatchCredit first, BatchCredit second, Action<RolloutCredit, RolloutCredit> check)
    {
        foreach (var (a, b) in first.Groups.SelectMany(group => group.Rollouts).Zip(second.Groups.SelectMany(group => group.Rollouts)))
            check(a, b);
    }

    // Eighths add up exactly, so that equal sums in another order are equal; a tie is as likely as it is in training.
    private static Gen<double> Eighths(int most) => Gen.Choose(-most, most).Select(n => n / 8.0);

    private static Gen<ScoredRollout> Rollouts =>
        from turns in Gen.Choose(1, 5)
        from outcome in Eighths(8)
        from gains in Eighths(8).ListOf(turns - 1)
        from tokens in Gen.Choose(0, 6).ListOf(turns)
        from scored in Gen.Frequency((8, Gen.Constant(true)), (1, Gen.Constant(false)))
        from signals in Signals.ListOf(turns)
        select new ScoredRollout(outcome, [.. tokens], scored ? [.. gains] : null) { Signals = [.. signals] };

    private static Gen<TurnSignals> Signals =>
        from anchor in Gen.Elements("start", "middle", null)
        from malformed in Gen.Elements(true, false)
        from called in Gen.Elements(true, false)
        from rank in Gen.Choose(0, 120)
        from code in Gen.Elements("print(1)", "x = 2", "", null)
        from reward in Gen.Frequency((9, Eighths(8).Select(value => (double?)value)), (1, Gen.Constant((double?)null)))
        select new TurnSignals { Anchor = anchor, Malformed = malformed, CalledTool = called, RetrievalRank = rank == 0 ? null : rank,
            Code = code, ProcessReward = reward };

    private static Gen<ScoredGroup[]> Batches => BatchesOf(Rollouts, least: 1);

    private static Gen<double> WildNumbers => Gen.Frequency(
        (6, Eighths(8)),
        (1, Gen.Elements(double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.MaxValue, -1e300, 1e100, -1e100,
            double.Epsilon, 1e-200, -0.0)));

    private static Gen<ScoredRollout> WildRollouts =>
        from turns in Gen.Frequency((9, Gen.Choose(1, 5)), (1, Gen.Constant(0)))
        from outcome in WildNumbers
        from gains in WildNumbers.ListOf(Math.Max(0, turns - 1))
        from tokens in Gen.Frequency((20, Gen.Choose(0, 6)), (1, Gen.Constant(-1)), (1, Gen.Constant(int.MaxValue))).ListOf(turns)
        from cut in Gen.Frequency((12, Gen.Constant(0)), (1, Gen.Constant(1)))
        from rewards in WildNumbers.ListOf(turns)
        select new ScoredRollout(outcome, [.. tokens], [.. gains.Skip(cut)]) { Signals = [.. rewards.Select(reward => new TurnSignals { ProcessReward = reward })] };

    private static Gen<ScoredGroup[]> WildBatches => BatchesOf(WildRollouts, least: 0);

    private static Gen<ScoredGroup[]> BatchesOf(Gen<ScoredRollout> rollouts, int least) =>
        from sizes in Gen.Choose(least, 6).ListOf(2)
        from all in rollouts.ListOf(sizes[0] + sizes[1])
        select new[] { new ScoredGroup("first", [.. all.Take(sizes[0])]), new ScoredGroup("second", [.. all.Skip(sizes[0])]) };
}
