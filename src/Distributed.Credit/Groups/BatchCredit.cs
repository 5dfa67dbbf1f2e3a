using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>Credit of a batch, in the order of its groups.</summary>
/// <param name="Groups">Credit of each group.</param>
/// <param name="RolloutsWithoutGain">Rollouts with tool turns that had no usable gain and were credited by their outcome alone.</param>
public sealed record BatchCredit(ImmutableArray<GroupCredit> Groups, int RolloutsWithoutGain)
{
    /// <summary>Gathers the groups' credit.</summary>
    /// <exception cref="CreditException">An advantage or clip scale is not finite: the rewards are too large to be compared.</exception>
    internal static BatchCredit Gather(IReadOnlyList<ScoredGroup> batch, ImmutableArray<GroupCredit> groups)
    {
        var without = 0;
        for (var g = 0; g < groups.Length; g++)
        {
            for (var i = 0; i < groups[g].Rollouts.Length; i++)
            {
                if (batch[g].Rollouts[i].LacksGains) without++;
                RequireFinite(batch[g], i, groups[g].Rollouts[i]);
            }
        }

        return new BatchCredit(groups, without);
    }

    private static void RequireFinite(ScoredGroup group, int index, RolloutCredit credit)
    {
        for (var t = 0; t < credit.Advantages.Length; t++)
        {
            if (!double.IsFinite(credit.Advantages[t]) || !double.IsFinite(credit.ClipScales[t]))
                throw new CreditException($"group '{group.Id}', rollout {index}, turn {t + 1}: the advantage overflowed; scale the rewards down");
        }
    }
}

/// <summary>Credit of one prompt's rollouts, in the group's order.</summary>
/// <param name="Id">The group's id.</param>
/// <param name="Rollouts">Credit of each rollout.</param>
public sealed record GroupCredit(string Id, ImmutableArray<RolloutCredit> Rollouts);

/// <summary>Credit of one rollout of T turns.</summary>
/// <param name="Advantages">Advantage A of each turn, length T; every token of the turn has it.</param>
/// <param name="ClipScales">Clip scale c of each turn, length T: the turn's clip range is [1 - c*clip_ratio_low, 1 +
/// c*clip_ratio_high].</param>
/// <param name="OutcomeScore">The outcome's own part of the advantage (z-scored or centred, as the method has it).</param>
/// <param name="NormalizedGains">Normalised gain of each tool turn, length T-1; null where the method has none.</param>
/// <param name="ProcessReturns">Accumulated normalised gain D of each tool turn, length T-1; null where the method has none.</param>
public sealed record RolloutCredit(
    ImmutableArray<double> Advantages,
    ImmutableArray<double> ClipScales,
    double OutcomeScore,
    ImmutableArray<double>? NormalizedGains = null,
    ImmutableArray<double>? ProcessReturns = null)
{
    /// <summary>The same advantage for every turn, clip scale 1.</summary>
    internal static RolloutCredit Uniform(int turns, double advantage) => new(Fill(turns, advantage), Ones(turns), advantage);

    /// <summary>Clip scales of a method that has none.</summary>
    internal static ImmutableArray<double> Ones(int turns) => turns < OnesByLength.Length ? OnesByLength[turns] : Fill(turns, 1);

    internal static ImmutableArray<double> Fill(int length, double value)
    {
        var values = new double[length];
        Array.Fill(values, value);
        return System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(values);
    }

    private static readonly ImmutableArray<double>[] OnesByLength = [.. Enumerable.Range(0, 33).Select(length => Fill(length, 1))];
}
