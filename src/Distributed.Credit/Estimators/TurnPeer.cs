using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Distributed.Credit;

/// <summary>
/// Turn-peer credit: a leave-one-out baseline for each turn that knows about stopping, so that the policy gradient of E[outcome + sum of
/// gains] is unbiased
/// where the policy itself decides when to stop. This project's own; derivation in docs/algorithms.md.
/// </summary>
/// <remarks>
/// Z_(i,t) = sum over k = t..T-1 of gamma^(k-t) ig_(i,k), 0 on the final turn. peers(i,t) = the other rollouts of the prompt that reached
/// turn t.
/// A_(i,t) = alpha (Z_(i,t) - mean of the peers' Z_t) + (R_i - mean of the peers' R). No peers: all other rollouts, absent turns as 0. A
/// single rollout: 0.
/// The final turn has this baseline too: it charges stopping with the gain it gives up.
/// A rollout without gains has no process part and is no peer for it.
/// </remarks>
public sealed class TurnPeer : IAdvantageEstimator
{
    private readonly TurnPeerOptions _options;

    /// <summary>An estimator with these options.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public TurnPeer(TurnPeerOptions options)
    {
        _options = options;
        OptionRange.Finite("turn-peer", "alpha", options.Alpha);
        OptionRange.Between("turn-peer", "gamma", options.Gamma, 0, 1);
        OptionRange.Above("turn-peer", "scale_floor", options.ScaleFloor, 0);
    }

    /// <inheritdoc/>
    public string Name => "turn-peer";

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch)
    {
        var credit = PerGroup.Assign(batch, Credit);
        return _options.Scale == AdvantageScale.Batch ? DivideByRootMeanSquare(batch, credit) : credit;
    }

    private ImmutableArray<RolloutCredit> Credit(ScoredGroup group)
    {
        var returns = new double[group.Rollouts.Length][];
        for (var i = 0; i < returns.Length; i++) returns[i] = ReturnsToGo(group.Rollouts[i]);
        var advantages = Array.ConvertAll(returns, turns => new double[turns.Length]);
        var comparison = new PeerComparison(group, returns, _options);
        var depth = returns.Max(turns => turns.Length);
        for (var t = 0; t < depth; t++) comparison.Fill(t, advantages);

        var credits = ImmutableArray.CreateBuilder<RolloutCredit>(returns.Length);
        for (var i = 0; i < returns.Length; i++)
        {
            credits.Add(new RolloutCredit(
                ImmutableCollectionsMarshal.AsImmutableArray(advantages[i]),
                RolloutCredit.Ones(advantages[i].Length),
                comparison.OutcomeOf(i),
                ProcessReturns: group.Rollouts[i].HasGains ? [.. returns[i].AsSpan(0, returns[i].Length - 1)] : null));
        }

        return credits.MoveToImmutable();
    }

    private double[] ReturnsToGo(ScoredRollout rollout)
    {
        var returns = new double[rollout.TurnCount];
        if (!rollout.HasGains) return returns;
        var gains = rollout.Gains!.Value;
        for (var t = gains.Length - 1; t >= 0; t--) returns[t] = gains[t] + _options.Gamma * returns[t + 1];
        return returns;
    }

    private BatchCredit DivideByRootMeanSquare(IReadOnlyList<ScoredGroup> batch, BatchCredit credit)
    {
        double squares = 0;
        long turns = 0;
        foreach (var rollout in credit.Groups.SelectMany(group => group.Rollouts))
        {
            foreach (var advantage in rollout.Advantages) squares += advantage * advantage;
            turns += rollout.Advantages.Length;
        }

        var divisor = Math.Max(_options.ScaleFloor, Math.Sqrt(squares / Math.Max(1, turns)));
        ImmutableArray<GroupCredit> groups = [.. credit.Groups.Select(group => group with
        {
            Rollouts = [.. group.Rollouts.Select(rollout => rollout with
            {
                Advantages = [.. rollout.Advantages.Select(advantage => advantage / divisor)],
                OutcomeScore = rollout.OutcomeScore / divisor,
            })],
        })];
        return BatchCredit.Gather(batch, groups);
    }
}
