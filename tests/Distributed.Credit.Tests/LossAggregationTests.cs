namespace Distributed.Credit.Tests;

public sealed class LossAggregationTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("agg_loss").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Every_mode_matches_the_reference(string name)
    {
        var c = Reference.Cases("agg_loss").Single(c => c.Name() == name);
        var mask = c.Mask("loss_mask");
        var rows = c.Table("loss_mat").Select((row, i) => row.Where(mask[i])).ToArray();
        var args = c.GetProperty("args");
        var (parts, factor) = (args.Number("dp_size"), args.Number("loss_scale_factor"));
        var (tokens, sequences) = ((long)args.Number("batch_num_tokens"), (long)args.Number("global_batch_size"));
        var expected = c.GetProperty("verl");

        Total(LossAggMode.TokenMean).ShouldMatch(expected.Number("token-mean"), name);
        Total(LossAggMode.SeqMeanTokenSum).ShouldMatch(expected.Number("seq-mean-token-sum"), name);
        Total(LossAggMode.SeqMeanTokenMean, epsilon: 1e-8).ShouldMatch(expected.Number("seq-mean-token-mean"), name);
        Total(LossAggMode.SeqMeanTokenSumNorm, factor: mask[0].Length).ShouldMatch(expected.Number("seq-mean-token-sum-norm"), name);
        Total(LossAggMode.SeqMeanTokenSumNorm, factor: factor)
            .ShouldMatch(expected.Number("seq-mean-token-sum-norm|loss_scale_factor"), name);

        // The reference multiplies by the number of parallel trainers, which later average their gradients.
        (parts * Total(LossAggMode.TokenMean, tokens: tokens)).ShouldMatch(expected.Number("token-mean|batch_num_tokens,dp_size"), name);
        (parts * Total(LossAggMode.SeqMeanTokenSum, sequences: sequences))
            .ShouldMatch(expected.Number("seq-mean-token-sum|global_batch_size,dp_size"), name);
        (parts * Total(LossAggMode.SeqMeanTokenMean, epsilon: 1e-8, sequences: sequences))
            .ShouldMatch(expected.Number("seq-mean-token-mean|global_batch_size,dp_size"), name);

        double Total(LossAggMode mode, double? factor = null, double epsilon = 0, long? tokens = null, long? sequences = null)
        {
            var weights = LossAggregation.Weights([.. rows.Select(row => row.Length)], mode, factor, epsilon, tokens, sequences);
            return rows.Select((row, i) => weights[i] * row.Sum()).Sum();
        }
    }

    [Fact]
    public void A_constant_divisor_must_be_given()
    {
        var options = new PolicyLossOptions(LossAggMode: LossAggMode.SeqMeanTokenSumNorm);
        Should.Throw<CreditException>(options.Validate).Message.ShouldContain("loss_scale_factor");
    }

    [Fact]
    public void A_batch_trained_in_parts_adds_up_to_the_whole()
    {
        int[] lengths = [3, 0, 5, 2];
        foreach (var mode in Enum.GetValues<LossAggMode>())
        {
            var whole = LossAggregation.Weights(lengths, mode, 7);
            var first = LossAggregation.Weights(lengths[..2], mode, 7, batchTokens: 10, batchSequences: 3);
            var second = LossAggregation.Weights(lengths[2..], mode, 7, batchTokens: 10, batchSequences: 3);
            whole.ShouldBe([.. first, .. second]);
        }
    }
}
