using System.Text.Json;

namespace Distributed.Credit.Tests;

public sealed class A2tgpoTests
{
    public static TheoryData<string> AdvantageCases() => [.. Reference.Cases("a2tgpo_advantages").Select(c => c.Name())];

    public static TheoryData<string> ChainCases() => [.. Reference.Cases("a2tgpo_chain").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(AdvantageCases))]
    public void The_paper_variant_matches_equations_6_to_11(string name)
    {
        var c = Reference.Cases("a2tgpo_advantages").Single(c => c.Name() == name);
        var groups = c.GroupsWithGains(c.Table("ig_per_tool_turn"));
        foreach (var expected in c.GetProperty("paper").EnumerateArray())
        {
            ShouldMatchPaper(groups.Credit(new A2tgpo(new A2tgpoOptions(Gamma: expected.Number("gamma"), Beta: expected.Number("beta")))),
                expected, name);
        }
    }

    [Theory]
    [MemberData(nameof(AdvantageCases))]
    public void The_released_variant_matches_the_code(string name)
    {
        var c = Reference.Cases("a2tgpo_advantages").Single(c => c.Name() == name);
        var groups = c.GroupsWithGains(c.Table("ig_per_tool_turn"));
        foreach (var expected in c.GetProperty("code").EnumerateArray())
        {
            var credit = groups.Credit(new A2tgpo(new A2tgpoOptions(
                Alpha: expected.Number("alpha"), Gamma: expected.Number("gamma"),
                    DivideByStd: expected.GetProperty("divide_by_std").GetBoolean(), Variant: MethodVariant.Released)));
            credit.Select(r => r.Advantages).ToArray().ShouldMatchRows(expected.Table("advantage_per_turn"), name);
            credit.Select(r => r.ClipScales).ToArray().ShouldMatchRows(expected.Table("clip_scale_per_turn"), name);
        }
    }

    [Theory]
    [MemberData(nameof(ChainCases))]
    public void From_answer_log_probabilities_to_advantages_every_step_matches(string name)
    {
        var c = Reference.Cases("a2tgpo_chain").Single(c => c.Name() == name);
        var logProbs = c.GetProperty("answer_log_probs").EnumerateArray()
            .Select(rollout => rollout.Table().Select(tokens => tokens.Average()).ToArray()).ToArray();
        var byProbability = Array.ConvertAll(logProbs, row => InformationGain.FromMeanLogProbs(row));
        var byLogProbability = Array.ConvertAll(logProbs, row => InformationGain.FromMeanLogProbs(row, GainScale.LogProbDiff));
        byProbability.Select(gains => gains.Probabilities).ToArray().ShouldMatchRows(c.Table("P"), name);
        Check(byProbability, c.Table("ig_prob_diff"), c.GetProperty("paper_prob_diff"));
        Check(byLogProbability, c.Table("ig_log_prob_diff"), c.GetProperty("option_log_prob_diff"));

        void Check(RolloutGains[] gains, double[][] expectedGains, JsonElement expected)
        {
            var rows = Array.ConvertAll(gains, g => g.Gains is { } values ? values.ToArray() : []);
            rows.ShouldMatch(expectedGains, name);
            ShouldMatchPaper(c.GroupsWithGains(rows).Credit(new A2tgpo(new A2tgpoOptions(Gamma: expected.Number("gamma"),
                Beta: expected.Number("beta")))), expected, name);
        }
    }

    private static void ShouldMatchPaper(RolloutCredit[] credit, JsonElement expected, string name)
    {
        credit.Select(r => r.NormalizedGains ?? []).ToArray().ShouldMatchRows(expected.Table("ig_hat"), name + " igh");
        credit.Select(r => r.ProcessReturns ?? []).ToArray().ShouldMatchRows(expected.Table("D"), name + " D");
        credit.Select(r => r.OutcomeScore).ToArray().ShouldMatch(expected.Numbers("outcome_hat"), name + " outcome");
        credit.Select(r => r.Advantages).ToArray().ShouldMatchRows(expected.Table("advantage_per_turn"), name + " A");
        credit.Select(r => r.ClipScales).ToArray().ShouldMatchRows(expected.Table("clip_scale_per_turn"), name + " c");
    }
}
