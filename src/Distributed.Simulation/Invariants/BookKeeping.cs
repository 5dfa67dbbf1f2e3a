using Distributed.Actors.Coordination;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Invariants;

/// <summary>The coordinator's books between any two of its messages: slots, leases and bounds.</summary>
/// <param name="journal">Where broken promises go.</param>
/// <param name="declared">What the run was asked to keep to, whatever the coordinator was told.</param>
public sealed class BookKeeping(RunJournal journal, CoordinatorOptions declared)
{
    /// <summary>The rules of the life under way.</summary>
    public CoordinatorRules? Rules { get; set; }

    /// <summary>Looks through the books.</summary>
    public void Check()
    {
        if (Rules is not { } rules) return;
        var (open, leased) = (0L, 0);
        foreach (var slots in rules.Ledger.Groups.Values)
        {
            foreach (var slot in slots)
            {
                if (slot.State != SlotState.Dropped) open++;
                if (slot.State == SlotState.Leased) leased++;
            }
        }

        var totals = rules.Ledger.Totals;
        if (totals.Planned != totals.Trained + totals.Dropped.Values.Sum() + open)
            journal.Violate("conservation of slots", $"planned {totals.Planned}, trained {totals.Trained}, dropped {totals.Dropped.Values.Sum()}, open {open}");
        var bound = Admission.PlannedGroupsMax(declared, rules.Version);
        if (rules.Ledger.NextGroup > bound) journal.Violate("admission bound", $"{rules.Ledger.NextGroup} groups are planned at version {rules.Version.Value}, the bound is {bound}");

        var rollouts = 0;
        foreach (var lease in rules.Leases.Open)
        {
            if (lease.Kind == LeaseKind.Rollout) rollouts++;
            var state = rules.Ledger.Find(lease.Slot)?.State;
            if ((lease.Kind == LeaseKind.Rollout && state != SlotState.Leased) || (lease.Kind == LeaseKind.Score && state != SlotState.Generated))
                journal.Violate("conservation of leases", $"{lease.Kind} lease {lease.Id.Value} is out for slot {lease.Slot}, which is {state?.ToString() ?? "gone"}");
        }

        if (rollouts != leased) journal.Violate("conservation of leases", $"{leased} slots are leased, {rollouts} leases are out for them");
        foreach (var worker in rules.Leases.Workers.Values)
            if (worker.Leases.Count > worker.Offer.Capacity) journal.Violate("capacity", $"{worker.Offer.Worker} holds {worker.Leases.Count} leases and offered {worker.Offer.Capacity}");
    }
}
