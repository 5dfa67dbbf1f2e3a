namespace Distributed.Credit;

/// <summary>Compares each rollout with its peers at one turn, leaving itself out.</summary>
internal sealed class PeerComparison(ScoredGroup group, double[][] returns, TurnPeerOptions options)
{
    private readonly double[] _process = new double[returns.Length];
    private readonly double[] _outcome = new double[returns.Length];
    private readonly double[] _sum = new double[returns.Length];
    private readonly int[] _members = new int[returns.Length];
    private readonly Moments _allOutcomes = Moments.Of(PerGroup.Outcomes(group));

    /// <summary>The outcome against all other rollouts' outcomes.</summary>
    public double OutcomeOf(int rollout) => OthersMean.Difference(group.Rollouts[rollout].Outcome, _allOutcomes);

    /// <summary>Writes the advantages of turn <paramref name="turn"/> of every rollout that has it.</summary>
    public void Fill(int turn, double[][] advantages)
    {
        var reached = 0;
        for (var i = 0; i < returns.Length; i++)
        {
            if (turn < returns[i].Length) _members[reached++] = i;
        }

        // A rollout that alone reached the turn is compared with all others, to whom the turn is absent.
        var everybody = reached < 2 || options.Peers == TurnPeers.AllRollouts;
        var (process, outcome, sum) = Gather(turn, everybody ? null : _members.AsSpan(0, reached));
        for (var m = 0; m < reached; m++)
        {
            var i = _members[m];
            var rollout = group.Rollouts[i];
            var advantage = OthersMean.Difference(rollout.Outcome, outcome);
            if (!rollout.LacksGains) advantage += options.Alpha * OthersMean.Difference(returns[i][turn], process);
            if (options.Scale == AdvantageScale.Peers)
            {
                var own = options.Alpha * returns[i][turn] + rollout.Outcome;
                advantage /= Math.Max(options.ScaleFloor, OthersMean.PopulationStd(own, sum));
            }

            advantages[i][turn] = advantage;
        }
    }

    private (Moments Process, Moments Outcome, Moments Sum) Gather(int turn, ReadOnlySpan<int> members)
    {
        var count = members.IsEmpty ? returns.Length : members.Length;
        var process = 0;
        for (var m = 0; m < count; m++)
        {
            var i = members.IsEmpty ? m : members[m];
            var value = turn < returns[i].Length ? returns[i][turn] : 0;
            if (!group.Rollouts[i].LacksGains) _process[process++] = value;
            _outcome[m] = group.Rollouts[i].Outcome;
            _sum[m] = options.Alpha * value + group.Rollouts[i].Outcome;
        }

        return (Moments.Of(_process.AsSpan(0, process)), Moments.Of(_outcome.AsSpan(0, count)), Moments.Of(_sum.AsSpan(0, count)));
    }
}
