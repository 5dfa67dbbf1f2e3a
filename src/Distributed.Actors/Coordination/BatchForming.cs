using Distributed.Protocol;

namespace Distributed.Actors.Coordination;

/// <summary>Makes a batch of the oldest ended groups.</summary>
public static class BatchForming
{
    /// <summary>Drop reason of a sample older than the staleness bound.</summary>
    public const string Stale = "stale";

    /// <summary>Drop reason of a rollout that is left alone in its group: there is nothing to compare it with.</summary>
    public const string GroupTooSmall = "group_too_small";

    /// <summary>
    /// Takes <see cref="CoordinatorOptions.PromptsPerStep"/> ended groups out of the ledger; there must be that many. What cannot be trained on is
    /// dropped with its reason; a group of which nothing is left stays in the batch without rollouts, so that every step consumes as many groups.
    /// </summary>
    public static TrainBatch TakeOldest(Ledger ledger, CoordinatorOptions options, PolicyVersion version)
    {
        var groups = new List<TrainGroup>(options.PromptsPerStep);
        foreach (var group in ledger.EndedGroups.Take(options.PromptsPerStep).ToArray())
        {
            var alive = new List<LedgerSlot>();
            foreach (var slot in ledger.Take(group))
            {
                if (Admission.IsFresh(options, slot.Trajectory!.OldestVersion, version)) alive.Add(slot);
                else ledger.Drop(slot, Stale);
            }

            if (alive.Count == 1)
            {
                ledger.Drop(alive[0], GroupTooSmall);
                alive.Clear();
            }

            groups.Add(new TrainGroup(group, [.. alive.Select(slot => new ScoredTrajectory(slot.Trajectory!, slot.Scores))]));
        }

        return new TrainBatch(version, groups);
    }
}
