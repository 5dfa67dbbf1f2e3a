namespace Distributed.Credit.Bias;

/// <summary>
/// Which way credit pushes the decision to stop at a turn, on groups as they were sampled: by how much more a rollout that ended its episode with this turn is credited, at this turn,
/// than one of the same group that called a tool and went on.
/// </summary>
/// <remarks>
/// The slope of the advantage on having stopped, within groups: sum of (s - mean s) A over the sum of (s - mean s)^2, over the rollouts of each group that reached the turn. Positive: the policy is pushed to stop
/// there. It is the part of the policy gradient that falls on a logit of stopping, were it the same number in all of them.
/// </remarks>
/// <param name="Turn">Turn, from 0.</param>
/// <param name="Reached">Rollouts that reached it.</param>
/// <param name="Stopped">Share of them whose last turn it was.</param>
/// <param name="Slope">The slope; 0 where no group has both kinds.</param>
/// <param name="StandardError">Of the slope, groups being independent of each other; 0 where no group has both kinds.</param>
public sealed record StopPressure(int Turn, long Reached, double Stopped, double Slope, double StandardError)
{
    /// <summary>The pressure at every turn that a rollout reached.</summary>
    /// <param name="credit">Credit of a batch's groups.</param>
    public static IReadOnlyList<StopPressure> Of(IReadOnlyList<GroupCredit> credit)
    {
        ArgumentNullException.ThrowIfNull(credit);
        var turns = credit.SelectMany(group => group.Rollouts).Select(rollout => rollout.Advantages.Length).DefaultIfEmpty(0).Max();
        return [.. Enumerable.Range(0, turns).Select(turn => At(credit, turn))];
    }

    private static StopPressure At(IReadOnlyList<GroupCredit> credit, int turn)
    {
        long reached = 0, stopped = 0;
        var groups = new List<(double Products, double Squares)>();
        foreach (var group in credit)
        {
            var own = group.Rollouts.Where(rollout => rollout.Advantages.Length > turn).ToArray();
            var ends = own.Count(rollout => rollout.Advantages.Length == turn + 1);
            (reached, stopped) = (reached + own.Length, stopped + ends);
            if (ends == 0 || ends == own.Length) continue;
            var share = ends / (double)own.Length;
            var products = own.Sum(rollout => ((rollout.Advantages.Length == turn + 1 ? 1 : 0) - share) * rollout.Advantages[turn]);
            groups.Add((products, own.Length * share * (1 - share)));
        }

        var squares = groups.Sum(group => group.Squares);
        if (squares == 0) return new StopPressure(turn, reached, reached == 0 ? 0 : stopped / (double)reached, 0, 0);
        var slope = groups.Sum(group => group.Products) / squares;
        var error = Math.Sqrt(groups.Sum(group => Math.Pow(group.Products - slope * group.Squares, 2))) / squares;
        return new StopPressure(turn, reached, stopped / (double)reached, slope, error);
    }
}
