using System.Collections.Immutable;
using System.Globalization;

namespace Distributed.Credit;

/// <summary>The rollouts of one prompt.</summary>
/// <param name="Id">The prompt's id; named in messages.</param>
/// <param name="Rollouts">Its rollouts, at least one.</param>
public sealed record ScoredGroup(string Id, ImmutableArray<ScoredRollout> Rollouts)
{
    /// <summary>Squares of larger rewards could overflow.</summary>
    private const double LargestReward = 1e100;

    /// <summary>Throws <see cref="CreditException"/> if the group's shape is wrong or an outcome is not finite. A gain that is not finite
    /// is allowed.</summary>
    public void Validate()
    {
        if (Rollouts.IsDefaultOrEmpty) throw new CreditException($"group '{Id}' has no rollouts; leave empty groups out of the batch");
        for (var i = 0; i < Rollouts.Length; i++) Validate(Rollouts[i], i);
    }

    private void Validate(ScoredRollout rollout, int index)
    {
        if (rollout is null) throw Refuse(index, "is null; leave it out of the group");
        if (!double.IsFinite(rollout.Outcome))
            throw Refuse(index, $"has outcome {Print(rollout.Outcome)}; an outcome reward must be a finite number");
        if (Math.Abs(rollout.Outcome) > LargestReward)
            throw Refuse(index, $"has outcome {Print(rollout.Outcome)}; rewards beyond 1e100 cannot be compared, scale them down");
        if (rollout.TurnTokens.IsDefaultOrEmpty) throw Refuse(index, "has no turns; a rollout has at least its final turn");
        foreach (var tokens in rollout.TurnTokens)
        {
            if (tokens < 0) throw Refuse(index, $"has a turn of {tokens} tokens; a token count must be 0 or more");
        }

        if (rollout.Gains is { IsDefault: false } gains && gains.Length != rollout.ToolTurnCount)
            throw Refuse(index, $"has {gains.Length} gains for {rollout.ToolTurnCount} tool turns; give one for each turn but the last, or null");
        if (rollout.HasGains && rollout.Gains!.Value.Any(gain => Math.Abs(gain) > LargestReward))
            throw Refuse(index, "has a gain beyond 1e100; rewards of that size cannot be compared, scale them down");
        if (rollout.Signals.IsDefault || (rollout.Signals.Length != 0 && rollout.Signals.Length != rollout.TurnCount))
            throw Refuse(index, $"has signals for {(rollout.Signals.IsDefault ? 0 : rollout.Signals.Length)} of {rollout.TurnCount} turns; give one for each turn, or an empty list");
        if (rollout.Signals.Any(signals => signals.ProcessReward is { } reward && double.IsFinite(reward) && Math.Abs(reward) > LargestReward))
            throw Refuse(index, "has a process reward beyond 1e100; rewards of that size cannot be compared, scale them down");
    }

    private static string Print(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private CreditException Refuse(int index, string what) => new($"group '{Id}', rollout {index} {what}");
}
