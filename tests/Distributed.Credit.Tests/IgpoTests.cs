using System.Text.Json;

namespace Distributed.Credit.Tests;

public sealed class IgpoTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("igpo").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void The_released_variant_matches_the_code(string name)
    {
        var c = Reference.Cases("igpo").Single(c => c.Name() == name);
        foreach (var expected in c.GetProperty("expected").EnumerateArray())
        {
            var reward = expected.TryGetProperty("reward", out var scale) ? scale.GetString()! : c.GetProperty("reward_used").GetString()!;
            var options = new IgpoOptions(
                expected.GetProperty("mode").GetString() == "joint" ? IgpoNorm.Joint : IgpoNorm.Separate,
                expected.TryGetProperty("gamma", out var gamma) ? gamma.GetDouble() : 1,
                !expected.TryGetProperty("divide_by_std", out var divide) || divide.GetBoolean(),
                IgWeight: expected.TryGetProperty("ig_weight", out var ig) ? ig.GetDouble() : 1,
                OutcomeWeight: expected.TryGetProperty("f1_weight", out var f1) ? f1.GetDouble() : 1,
                Variant: MethodVariant.Released);
            var credit = c.GroupsWithGains(c.GetProperty("reward").Table(reward)).Credit(new Igpo(options));
            credit.Select(r => r.Advantages).ToArray().ShouldMatchRows(expected.Table("advantage_per_turn"), $"{name} {options}");
        }
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Gains_follow_from_answer_log_probabilities_on_both_scales(string name)
    {
        var c = Reference.Cases("igpo").Single(c => c.Name() == name);
        var scored = c.GetProperty("answer_log_probs").EnumerateArray()
            .Select(rollout => rollout.Table().Select(tokens => tokens.Average()).ToArray()).ToArray();
        Gains(GainScale.ProbDiff).ShouldMatch(c.GetProperty("reward").Table("prob_diff"), name);
        Gains(GainScale.LogProbDiff).ShouldMatch(c.GetProperty("reward").Table("log_prob_diff"), name);

        double[][] Gains(GainScale scale) =>
            Array.ConvertAll(scored, row => InformationGain.FromMeanLogProbs(row, scale).Gains is { } gains ? gains.ToArray() : []);
    }

    [Fact]
    public void The_paper_variant_is_the_exact_z_score()
    {
        var group = new ScoredGroup("q", [new(1, [1, 1], [0.5]), new(0, [1, 1], [0.25]), new(0, [1])]);
        double[] rewards = [0.5, 1, 0.25, 0, 0];
        var mean = rewards.Average();
        var std = Math.Sqrt(rewards.Average(r => (r - mean) * (r - mean)));
        var credit = new Igpo(new IgpoOptions(Gamma: 0.5)).Assign([group]).Groups[0].Rollouts;
        credit[0].Advantages[0].ShouldMatch((0.5 - mean) / std + 0.5 * (1 - mean) / std, "first turn");
        credit[2].Advantages[0].ShouldMatch(-mean / std, "answer at once");
    }
}
