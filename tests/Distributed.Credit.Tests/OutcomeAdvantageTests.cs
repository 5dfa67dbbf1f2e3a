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

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Reinforce_plus_plus_matches_the_reference_without_a_discount(string name)
    {
        var c = Reference.Cases("advantages_outcome").Single(c => c.Name() == name);
        var scores = c.Numbers("scores");
        var mask = c.Mask("response_mask");
        var groups = c.Groups(i => new ScoredRollout(scores[i], [.. Runs(mask[i])]));
        var expected = c.GetProperty("reinforce_pp_token").GetProperty("1.0");
        var credits = groups.Credit(new ReinforcePlusPlus(new ReinforcePlusPlusOptions(ResetAtObservations: true)));

        // Large cases hold the first token of each rollout only. As above: the reference's mean divides by the count + 1e-8.
        if (expected.TryGetProperty("advantages_first_token", out var firsts))
        {
            credits.Select(credit => credit.Advantages[0]).ToArray().ShouldMatch(firsts.Numbers(), name, relative: 5e-8, absolute: 5e-8);
            return;
        }

        var rows = expected.Table("advantages");
        for (var i = 0; i < rows.Length; i++)
        {
            double[] tokens = [.. Runs(mask[i]).SelectMany((count, turn) => Enumerable.Repeat(credits[i].Advantages[turn], count))];
            tokens.ShouldMatch(rows[i].Where(mask[i]), $"{name} {i}", relative: 5e-8, absolute: 5e-8);
        }
    }

    // Lengths of the runs of set marks: the turns between observations.
    private static IEnumerable<int> Runs(bool[] mask)
    {
        var ends = Enumerable.Range(0, mask.Length).Where(t => mask[t] && (t + 1 == mask.Length || !mask[t + 1]));
        return ends.Select(end => end + 1 - Enumerable.Range(0, end + 1).First(start => mask[start..(end + 1)].All(set => set)));
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
