namespace Distributed.Credit;

/// <summary>Options of <c>rank-incentive</c>.</summary>
/// <param name="Weight">Multiplies the reward.</param>
/// <param name="Top">Ranks 1 to this are worth 2 down to 1.</param>
/// <param name="Depth">Ranks beyond that, up to this, are worth 1 down to 0.</param>
/// <param name="Into">Where the reward goes; into the outcome goes the best of the rollout's turns.</param>
public sealed record RankIncentiveOptions(double Weight = 1, int Top = 10, int Depth = 100, ShapedReward Into = ShapedReward.Turns);

/// <summary>
/// Rank-incentive reward of ConvSearch-R1 (2505.15776) for turns that search: instead of found or not found, the rank of the first relevant
/// passage
/// (<see cref="TurnSignals.RetrievalRank"/>) in two linear pieces, 2 to 1 over the first ten and 1 to 0 up to the hundredth; nothing found
/// is worth 0.
/// </summary>
public sealed class RankIncentive : IRewardShaper
{
    private readonly RankIncentiveOptions _options;

    /// <summary>A shaper with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public RankIncentive(RankIncentiveOptions options)
    {
        OptionRange.AtLeast("rank-incentive", "weight", options.Weight, 0);
        OptionRange.AtLeast("rank-incentive", "top", options.Top, 1);
        OptionRange.AtLeast("rank-incentive", "depth", options.Depth, options.Top);
        _options = options;
    }

    /// <inheritdoc/>
    public string Name => "rank-incentive";

    /// <inheritdoc/>
    public ScoredGroup Shape(ScoredGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return _options.Into == ShapedReward.Turns
            ? TurnBonus.IntoTurns(group, Reward)
            : TurnBonus.IntoOutcome(group, signals => signals.IsEmpty ? 0 : signals.Max(Reward));
    }

    private double Reward(TurnSignals turn)
    {
        if (turn.RetrievalRank is not { } rank || rank < 1 || rank > _options.Depth) return 0;
        if (rank > _options.Top) return _options.Weight * (_options.Depth - rank) / (_options.Depth - _options.Top);
        return _options.Weight * (_options.Top == 1 ? 2 : 2 - (rank - 1) / (_options.Top - 1.0));
    }
}
