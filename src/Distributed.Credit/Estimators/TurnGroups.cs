namespace Distributed.Credit;

/// <summary>Normalises the gains of a prompt's rollouts, within each turn or all together.</summary>
internal static class TurnGroups
{
    /// <summary>Each gain among the gains of the rollouts that made the same turn.</summary>
    public static double[][] NormalizeByTurn(RewardedTurns[] rollouts, ZScore rule)
    {
        var depth = 0;
        foreach (var rollout in rollouts) depth = Math.Max(depth, rollout.Gains.Length);
        var normalized = Array.ConvertAll(rollouts, rollout => new double[rollout.Gains.Length]);
        var members = new double[rollouts.Length];
        for (var t = 0; t < depth; t++)
        {
            var count = 0;
            foreach (var rollout in rollouts)
            {
                if (t < rollout.Gains.Length) members[count++] = rollout.Gains[t];
            }

            var (mean, divisor) = rule.Of(members.AsSpan(0, count));
            for (var i = 0; i < rollouts.Length; i++)
            {
                if (t < rollouts[i].Gains.Length) normalized[i][t] = (rollouts[i].Gains[t] - mean) / divisor;
            }
        }

        return normalized;
    }

    /// <summary>Each gain among all gains of the prompt.</summary>
    public static double[][] NormalizeTogether(RewardedTurns[] rollouts, ZScore rule)
    {
        var all = new List<double>();
        foreach (var rollout in rollouts) all.AddRange(rollout.Gains);
        var (mean, divisor) = rule.Of(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(all));
        return Array.ConvertAll(rollouts, rollout => Array.ConvertAll(rollout.Gains, gain => (gain - mean) / divisor));
    }
}
