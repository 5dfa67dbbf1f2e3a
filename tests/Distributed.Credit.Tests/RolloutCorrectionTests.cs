using System.Globalization;
using System.Text.Json;

namespace Distributed.Credit.Tests;

public sealed class RolloutCorrectionTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("rollout_is").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Weights_match_the_reference(string name)
    {
        var c = Reference.Cases("rollout_is").Single(c => c.Name() == name);
        var mask = c.Mask("response_mask");
        var batch = Batch(c);
        foreach (var expected in c.GetProperty("is_weights").EnumerateArray())
        {
            var level = expected.GetProperty("level").GetString() == "token" ? RolloutIs.Token : RolloutIs.Sequence;
            var options = new RolloutCorrectionOptions(level, expected.Number("threshold"),
                expected.GetProperty("batch_normalize").GetBoolean());
            var corrected = RolloutCorrection.Correct(options, batch);
            var rows = expected.Table("weights");
            // The reference's batch mean divides by the count + 1e-8, ours by the count.
            var tolerance = options.RolloutIsBatchNormalize ? 2e-8 : 1e-9;
            for (var i = 0; i < batch.Length; i++)
                corrected.Weights![i].ToArray().ShouldMatch(rows[i].Where(mask[i]), $"{name} {options} {i}", tolerance);
        }

        if (!c.GetProperty("offpolicy_metrics").TryGetProperty("kl", out var kl)) return;
        var metrics = RolloutCorrection.Correct(new RolloutCorrectionOptions(), batch).Metrics;
        var offPolicy = c.GetProperty("offpolicy_metrics");
        var exact = (metrics.Tokens + 1e-8) / metrics.Tokens;
        metrics.Kl.ShouldMatch(kl.GetDouble() * exact, name);
        metrics.MismatchKl.ShouldMatch(offPolicy.Number("k3_kl") * exact, name);
        metrics.Chi2Token.ShouldMatch((offPolicy.Number("chi2_token") + 1) * exact - 1, name);
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Rejection_matches_the_reference(string name)
    {
        var c = Reference.Cases("rollout_is").Single(c => c.Name() == name);
        var mask = c.Mask("response_mask");
        var batch = Batch(c);
        foreach (var expected in c.GetProperty("rejection").EnumerateArray())
        {
            var threshold = expected.GetProperty("threshold");
            var rules = RejectionRule.Parse(expected.GetProperty("rollout_rs").GetString(),
                threshold.ValueKind == JsonValueKind.String ? threshold.GetString() : threshold.GetDouble().ToString("R", CultureInfo.InvariantCulture));
            var rejection = RolloutRejection.Apply(rules, batch);
            var rows = expected.Mask("modified_mask");
            for (var i = 0; i < batch.Length; i++) rejection.Kept[i].ShouldBe(rows[i].Where(mask[i]), $"{name} {expected} {i}");
            var tokens = mask.Sum(row => row.Count(set => set));
            (rejection.RejectedTokens / (double)tokens).ShouldMatch(expected.Number("masked_fraction"), name, absolute: 1e-7);
        }
    }

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Geometric_weights_and_icepop_match_the_cookbook(string name)
    {
        var c = Reference.Cases("rollout_is").Single(c => c.Name() == name);
        var batch = Batch(c);
        foreach (var expected in c.GetProperty("cookbook_tis").EnumerateArray())
        {
            var level = expected.GetProperty("level").GetString() == "token" ? RolloutIs.Token : RolloutIs.Geometric;
            double? icepop = expected.GetProperty("icepop_threshold") is { ValueKind: JsonValueKind.Number } given ? given.GetDouble() : null;
            var options = new RolloutCorrectionOptions(level, expected.Number("cap"), RolloutIsIcepop: icepop);
            var row = (int)expected.Number("row");
            RolloutCorrection.Correct(options, batch).Weights![row].ToArray()
                .ShouldMatch(expected.GetProperty("weights_on_masked_tokens").Numbers(), $"{name} {options}");
        }
    }

    [Fact]
    public void Rejected_targets_count_nowhere()
    {
        double[] old = [-1, -2, -3, -1];
        var whole = new LossSequence(old, new[] { 1.0, 1, -1, -1 }, new[] { 0, 0, 1, 1 }, Kept: new[] { true, false, true, true });
        var kept = new LossSequence(new[] { -1.0, -3, -1 }, new[] { 1.0, -1, -1 }, new[] { 0, 1, 1 });
        foreach (var kind in Enum.GetValues<PolicyLossKind>())
        {
            var (one, other) = (new PolicyLoss(new PolicyLossOptions(kind), [whole]), new PolicyLoss(new PolicyLossOptions(kind), [kept]));
            var (gradient, expected) = (new double[4], new double[3]);
            one.Evaluate(0, [-1.1, -2.2, -2.9, -1], gradient).ShouldBe(other.Evaluate(0, [-1.1, -2.9, -1], expected));
            gradient.ShouldBe([expected[0], 0, expected[1], expected[2]]);
            one.Statistics().ShouldBe(other.Statistics());
        }
    }

    [Theory]
    [InlineData("token_k4", "1", "'token_k4' is unknown")]
    [InlineData("seq_max_k1", "1", "'seq_max_k1' is unknown")]
    [InlineData("token_k1", "1,2", "1 rules but rollout_rs_threshold has 2")]
    [InlineData("token_k3", "0.5_2", "'0.5_2' does not fit token_k3")]
    [InlineData("token_k1", "2_0.5", "'2_0.5' does not fit token_k1")]
    [InlineData("token_k2", "-1", "'-1' is not a positive number")]
    public void A_rejection_rule_that_makes_no_sense_is_refused(string rules, string thresholds, string line) =>
        Should.Throw<CreditException>(() => RejectionRule.Parse(rules, thresholds)).Message.ShouldContain(line);

    [Fact]
    public void A_policy_compared_with_itself_has_weight_one_and_no_distance()
    {
        PolicyPair[] batch = [PolicyPair.Of([-1f, -2f], [-1f, -2f]), PolicyPair.Of([], [])];
        var corrected = RolloutCorrection.Correct(new RolloutCorrectionOptions(RolloutIs.Sequence), batch);
        corrected.Weights![0].ToArray().ShouldBe([1, 1]);
        corrected.Metrics.ShouldBe(new OffPolicyMetrics(2, 0, 0, 0, 0, 1, 1, 0));
    }

    [Fact]
    public void Metrics_measure_the_distance_and_what_was_truncated()
    {
        var (up, down) = (Math.Log(4), Math.Log(0.5));
        PolicyPair[] batch = [new(new[] { up - 2, down - 2, -1 }, new[] { -2.0, -2, -1 })];
        var metrics = RolloutCorrection.Correct(new RolloutCorrectionOptions(RolloutIs.Token, 2), batch).Metrics;
        metrics.TrainRolloutLogprobAbsDiff.ShouldBe((up - down) / 3, 1e-12);
        metrics.MismatchKl.ShouldBe((4 - up - 1 + (0.5 - down - 1)) / 3, 1e-12);
        metrics.RolloutIsMean.ShouldBe(5.5 / 3, 1e-12);
        metrics.RolloutIsMax.ShouldBe(4, 1e-12);
        metrics.RolloutIsTruncatedFraction.ShouldBe(1 / 3.0);
    }

    [Fact]
    public void A_log_probability_that_is_not_finite_is_refused_with_its_place()
    {
        PolicyPair[] batch = [PolicyPair.Of([-1f, -2f], [-1f, float.NegativeInfinity])];
        Should.Throw<CreditException>(() => RolloutCorrection.Correct(new RolloutCorrectionOptions(), batch)).Message
            .ShouldContain("sequence 0, target 1");
    }

    private static PolicyPair[] Batch(JsonElement c)
    {
        var mask = c.Mask("response_mask");
        var rollout = c.Table("rollout_log_prob");
        return [.. c.Table("train_log_prob").Select((row, i) => new PolicyPair(row.Where(mask[i]), rollout[i].Where(mask[i])))];
    }
}
