using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>
/// One rollout as the estimators see it: T turns, of which the last is the final-answer turn (also when that turn was malformed
/// or cut off) and the T-1 before it are tool turns.
/// </summary>
/// <param name="Outcome">Outcome reward R, any finite number.</param>
/// <param name="TurnTokens">Sampled tokens of each turn, length T, at least one turn. A turn may have no tokens.</param>
/// <param name="Gains">
/// Process reward of each tool turn, length T-1: the information gain as scored, or what a shaper made of it.
/// Null, or any entry not finite: this rollout has no gain and is credited by its outcome alone (counted in
/// <see cref="BatchCredit.RolloutsWithoutGain"/>).
/// </param>
public sealed record ScoredRollout(double Outcome, ImmutableArray<int> TurnTokens, ImmutableArray<double>? Gains = null)
{
    /// <summary>What else is known about each turn, length T; empty if nothing is. Read by shapers and by the estimators that say
    /// so.</summary>
    public ImmutableArray<TurnSignals> Signals { get; init; } = [];

    /// <summary>T, the number of turns, the final one included.</summary>
    public int TurnCount => TurnTokens.Length;

    /// <summary>T-1, the number of tool turns.</summary>
    public int ToolTurnCount => TurnTokens.Length - 1;

    /// <summary>Sampled tokens of all turns.</summary>
    public long TokenCount
    {
        get
        {
            long sum = 0;
            foreach (var count in TurnTokens) sum += count;
            return sum;
        }
    }

    /// <summary>True if the rollout has tool turns and a finite gain for every one of them.</summary>
    public bool HasGains
    {
        get
        {
            if (ToolTurnCount < 1 || Gains is not { IsDefault: false } gains) return false;
            foreach (var gain in gains)
            {
                if (!double.IsFinite(gain)) return false;
            }

            return true;
        }
    }

    /// <summary>True if the rollout has tool turns but no usable gains.</summary>
    public bool LacksGains => ToolTurnCount > 0 && !HasGains;
}
