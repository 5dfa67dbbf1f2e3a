namespace Distributed.Credit;

/// <summary>Puts the head's contributions in the place of the information gain.</summary>
public static class ProgressCredit
{
    /// <summary>A rollout whose tool turns' gains are their contributions; with <c>redistribute</c> its outcome is what they leave over.</summary>
    /// <param name="rollout">The rollout, its gains ignored.</param>
    /// <param name="contributions">c of each turn, as many as it has turns.</param>
    /// <param name="redistribute">Whether the rewards of all turns must add up to the outcome.</param>
    /// <exception cref="CreditException">Not one contribution per turn.</exception>
    public static ScoredRollout Apply(ScoredRollout rollout, IReadOnlyList<double> contributions, bool redistribute)
    {
        ArgumentNullException.ThrowIfNull(rollout);
        ArgumentNullException.ThrowIfNull(contributions);
        if (contributions.Count != rollout.TurnCount) throw new CreditException($"{contributions.Count} contributions for {rollout.TurnCount} turns; give one of each turn");
        if (rollout.ToolTurnCount < 1) return rollout;
        double[] gains = [.. contributions.Take(rollout.ToolTurnCount)];
        return rollout with { Gains = [.. gains], Outcome = redistribute ? rollout.Outcome - gains.Sum() : rollout.Outcome };
    }
}
