namespace Distributed.Credit;

/// <summary>The gains of a rollout and the turns they stand for.</summary>
/// <param name="Gains">Gains, one per rewarded tool turn; empty if the rollout has none.</param>
/// <param name="Owner">Per turn, the index of its gain; the final turn's is the number of gains.</param>
internal readonly record struct RewardedTurns(double[] Gains, int[] Owner)
{
    /// <summary>A rollout's gains; those that are exactly zero may be merged into the next rewarded turn.</summary>
    public static RewardedTurns Of(ScoredRollout rollout, bool mergeZeroGains)
    {
        var owner = new int[rollout.TurnCount];
        if (!rollout.HasGains) return new RewardedTurns([], owner);
        var gains = new List<double>(rollout.ToolTurnCount);
        var source = rollout.Gains!.Value;
        for (var t = 0; t < source.Length; t++)
        {
            owner[t] = gains.Count;
            if (!mergeZeroGains || source[t] != 0) gains.Add(source[t]);
        }

        owner[^1] = gains.Count;
        return new RewardedTurns([.. gains], owner);
    }
}
