namespace Distributed.Credit;

/// <summary>
/// Every <c>loss_agg_mode</c> weighs all tokens of a sequence alike, so it is one number per sequence:
/// total = sum over sequences of weight * (sum over the sequence's tokens of the token loss).
/// </summary>
/// <remarks>
/// A sequence without trained tokens is left out of the mean over sequences, as in verl. When a batch is trained in parts, the counts of
/// the
/// whole batch make the parts' losses add up to the whole's (verl's batch_num_tokens and global_batch_size).
/// </remarks>
public static class LossAggregation
{
    /// <summary>The weight of each sequence.</summary>
    /// <param name="tokenCounts">Trained tokens of each sequence.</param>
    /// <param name="mode">The aggregation.</param>
    /// <param name="lossScaleFactor">Divisor of seq-mean-token-sum-norm.</param>
    /// <param name="meanEpsilon">Added to token counts by seq-mean-token-mean.</param>
    /// <param name="batchTokens">Tokens of the whole batch; null: of these sequences.</param>
    /// <param name="batchSequences">Sequences with tokens of the whole batch; null: of these sequences.</param>
    /// <exception cref="CreditException">seq-mean-token-sum-norm without a divisor.</exception>
    public static double[] Weights(
        IReadOnlyList<int> tokenCounts,
        LossAggMode mode,
        double? lossScaleFactor = null,
        double meanEpsilon = 0,
        long? batchTokens = null,
        long? batchSequences = null)
    {
        ArgumentNullException.ThrowIfNull(tokenCounts);
        long tokens = 0, sequences = 0;
        foreach (var count in tokenCounts)
        {
            tokens += count;
            if (count > 0) sequences++;
        }

        double allTokens = batchTokens ?? tokens;
        double allSequences = batchSequences ?? sequences;
        var weights = new double[tokenCounts.Count];
        for (var s = 0; s < weights.Length; s++)
        {
            if (tokenCounts[s] == 0) continue;
            weights[s] = mode switch
            {
                LossAggMode.TokenMean => 1 / allTokens,
                LossAggMode.SeqMeanTokenSum => 1 / allSequences,
                LossAggMode.SeqMeanTokenMean => 1 / (allSequences * (tokenCounts[s] + meanEpsilon)),
                LossAggMode.SeqMeanTokenSumNorm =>
                    1 / (lossScaleFactor ?? throw new CreditException("loss_agg_mode seq-mean-token-sum-norm needs loss_scale_factor")),
                _ => throw new ArgumentOutOfRangeException(nameof(mode)),
            };
        }

        return weights;
    }
}
