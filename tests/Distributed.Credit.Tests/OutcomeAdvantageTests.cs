using System.Text.Json;

namespace Distributed.Credit.Tests;

public sealed class OutcomeAdvantageTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("advantages_outcome").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Grpo_matches_the_reference(string name)
    {
        var (c, groups) = Case(name);
        Advantages(groups, new Grpo(new GrpoOptions(SingletonGroup: SingletonGroup.Raw))).ShouldMatch(Expected(c, "grpo_std"), name);
        Advantages(groups, new Grpo(new GrpoOptions(NormAdvByStdInGrpo: false, SingletonGroup: SingletonGroup.Raw)))
            .ShouldMatch(Expected(c, "grpo_nostd"), name);
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Rloo_matches_the_reference(string name)
    {
        var (c, groups) = Case(name);
        Advantages(groups, new Rloo(new RlooOptions(SingletonGroup.Raw))).ShouldMatch(Expected(c, "rloo"), name);
        Advantages(groups, new Rloo(new RlooOptions())).ShouldMatch(Expected(c, "rloo_vectorized"), name);
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Reinforce_plus_plus_baseline_matches_the_reference(string name)
    {
        var (c, groups) = Case(name);

        // The reference's batch mean divides by the token count + 1e-8, which moves small advantages in the ninth digit.
        var estimator = new ReinforcePlusPlusBaseline(new ReinforcePlusPlusBaselineOptions(SingletonGroup: SingletonGroup.Raw));
        Advantages(groups, estimator).ShouldMatch(Expected(c, "reinforce_pp_baseline"), name, relative: 5e-9, absolute: 5e-9);
    }

    private static (JsonElement Case, GroupedRollouts Groups) Case(string name)
    {
        var c = Reference.Cases("advantages_outcome").Single(c => c.Name() == name);
        var scores = c.Numbers("scores");
        var mask = c.Mask("response_mask");
        return (c, c.Groups(i => new ScoredRollout(scores[i], [mask[i].Count(set => set)])));
    }

    private static double[] Expected(JsonElement c, string method) => c.GetProperty("advantage_per_sample").Numbers(method);

    private static double[] Advantages(GroupedRollouts groups, IAdvantageEstimator estimator) =>
        [.. groups.Credit(estimator).Select(credit => credit.Advantages[0])];
}
