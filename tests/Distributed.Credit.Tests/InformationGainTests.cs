namespace Distributed.Credit.Tests;

public sealed class InformationGainTests
{
    [Fact]
    public void Gains_telescope_to_the_whole_rise()
    {
        double[] scores = [-3, -2, -2.5, -0.25];
        InformationGain.FromMeanLogProbs(scores).Gains!.Value.Sum().ShouldBe(Math.Exp(-0.25) - Math.Exp(-3), 1e-15);
        InformationGain.FromMeanLogProbs(scores, GainScale.LogProbDiff).Gains!.Value.ShouldBe([1, -0.5, 2.25]);
    }

    [Theory]
    [InlineData(GainAbsence.NoAnswer)]
    [InlineData(GainAbsence.NoToolTurn, -1.0)]
    [InlineData(GainAbsence.NotFinite, -1.0, double.NaN)]
    [InlineData(GainAbsence.NotFinite, -1.0, double.NegativeInfinity)]
    [InlineData(GainAbsence.NotFinite, double.PositiveInfinity, -1.0)]
    [InlineData(GainAbsence.NotFinite, -1.0, 1e6)]
    public void A_rollout_that_cannot_be_scored_has_no_gains_and_a_reason(GainAbsence reason, params double[] scores)
    {
        var gains = InformationGain.FromMeanLogProbs(scores);
        gains.Gains.ShouldBeNull();
        gains.Absence.ShouldBe(reason);
    }

    [Fact]
    public void The_likeliest_alias_counts_at_each_boundary_if_asked_for()
    {
        ReadOnlyMemory<double>[] aliases = [new[] { -3.0, -2, -1 }, new[] { -2.5, -2.5, -0.5 }];
        InformationGain.FromAliases(aliases, AliasChoice.First, GainScale.LogProbDiff).Gains!.Value.ShouldBe([1, 1]);
        InformationGain.FromAliases(aliases, AliasChoice.Max, GainScale.LogProbDiff).Gains!.Value.ShouldBe([0.5, 1.5]);
        InformationGain.FromAliases([], AliasChoice.Max).Absence.ShouldBe(GainAbsence.NoAnswer);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    public void A_broken_score_is_not_hidden_by_the_maximum(double broken)
    {
        InformationGain.FromAliases([new[] { -3.0, -2 }, new[] { -3.0, broken }], AliasChoice.Max).Absence.ShouldBe(GainAbsence.NotFinite);
        InformationGain.FromAliases([new[] { -3.0, broken }, new[] { -3.0, -2 }], AliasChoice.Max).Absence.ShouldBe(GainAbsence.NotFinite);
    }

    [Fact]
    public void Aliases_scored_at_different_boundaries_are_refused() =>
        Should.Throw<CreditException>(() => InformationGain.FromAliases([new[] { -3.0, -2 }, new[] { -3.0 }], AliasChoice.Max))
            .Message.ShouldBe("accepted answer 1 is scored at 1 boundaries, the first at 2; score all of them at the same boundaries");
}
