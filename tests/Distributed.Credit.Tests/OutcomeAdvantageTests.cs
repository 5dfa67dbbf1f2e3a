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
        Advantages(groups, new Grpo(new GrpoOptions(NormAdvByStdInGrpo: false, SingletonGroup: SingletonGroup.Raw))).ShouldMatch(Expected(c, "grpo_nostd"), name);
    }

    private static (JsonElement Case, GroupedRollouts Groups) Case(string name)
    {
        var c = Reference.Cases("advantages_outcome").Single(c => c.Name() == name);
        var scores = c.Numbers("scores");
        var mask = c.Mask("response_mask");
        return (c, c.Groups(i => new ScoredRollout(scores[i], [mask[i].Count(set => set)])));
    }

    private static double[] Expected(JsonElement c, string method) => c.GetProperty("advantage_per_sample").Numbers(method);

    private static double[] Advantages(GroupedRollouts groups, IAdvantageEstimator estimator) => [.. groups.Credit(estimator).Select(credit => credit.Advantages[0])];
}
