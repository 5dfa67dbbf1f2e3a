using System.Collections.Immutable;

namespace Distributed.Credit;

/// <summary>Which rows are worth training on.</summary>
/// <param name="FilterGroups">Option <c>filter_groups</c>: drop a group if all its advantages are about zero.</param>
/// <param name="SkipBelow">A rollout is skipped if every |A| of its turns is at or below this; 0 skips exact zeros only, a negative number
/// skips none.</param>
public sealed record GroupFilterOptions(bool FilterGroups = false, double SkipBelow = 0);

/// <summary>What is left to train on.</summary>
/// <param name="Rows">The rollouts to train on, in the batch's order.</param>
/// <param name="GroupsDropped">Groups all of whose advantages are about zero, if <c>filter_groups</c> is on.</param>
/// <param name="RolloutsSkipped">Rollouts skipped in the groups that were kept.</param>
public sealed record FilteredBatch(ImmutableArray<CreditedRow> Rows, int GroupsDropped, int RolloutsSkipped);

/// <summary>A rollout by its place in the batch, and its credit.</summary>
/// <param name="Group">Index of the group.</param>
/// <param name="Rollout">Index in the group.</param>
/// <param name="Credit">Its credit.</param>
public readonly record struct CreditedRow(int Group, int Rollout, RolloutCredit Credit);

/// <summary>Leaves out what has nothing to teach: such rows cost a forward and a backward and give (about) no gradient.</summary>
public static class GroupFilter
{
    /// <summary>The rows to train on, with what was left out counted.</summary>
    /// <remarks>
    /// Skipped rows still count in a mean over sequences or tokens if the caller gives <see cref="PolicyLoss"/> the whole batch's counts;
    /// otherwise the
    /// mean is over the rows that are left.
    /// </remarks>
    /// <param name="credit">The batch's credit.</param>
    /// <param name="options">Options.</param>
    public static FilteredBatch Apply(BatchCredit credit, GroupFilterOptions options)
    {
        ArgumentNullException.ThrowIfNull(credit);
        ArgumentNullException.ThrowIfNull(options);
        OptionRange.Finite("filter_groups", "skip_below", options.SkipBelow);
        var rows = ImmutableArray.CreateBuilder<CreditedRow>();
        int dropped = 0, skipped = 0;
        for (var g = 0; g < credit.Groups.Length; g++)
        {
            var rollouts = credit.Groups[g].Rollouts;
            if (options.FilterGroups && rollouts.All(rollout => IsFlat(rollout, Math.Max(0, options.SkipBelow))))
            {
                dropped++;
                continue;
            }

            for (var i = 0; i < rollouts.Length; i++)
            {
                if (IsFlat(rollouts[i], options.SkipBelow)) skipped++;
                else rows.Add(new CreditedRow(g, i, rollouts[i]));
            }
        }

        return new FilteredBatch(rows.ToImmutable(), dropped, skipped);
    }

    private static bool IsFlat(RolloutCredit credit, double bound)
    {
        foreach (var advantage in credit.Advantages)
        {
            if (!(Math.Abs(advantage) <= bound)) return false;
        }

        return true;
    }
}
