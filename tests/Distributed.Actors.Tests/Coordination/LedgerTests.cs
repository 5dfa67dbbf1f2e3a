using Distributed.Actors.Coordination;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Coordination;

public sealed class LedgerTests
{
    [Fact]
    public void A_slot_goes_from_planned_to_trained_and_the_books_balance_at_every_step()
    {
        var ledger = new Ledger();
        var slots = ledger.Plan(2);
        foreach (var slot in slots)
        {
            ledger.CheckConservation();
            ledger.Lease(slot);
            ledger.Unlease(slot);
            ledger.Lease(slot);
            ledger.Generated(slot, Samples.Trajectory(slot.Slot));
            ledger.Scored(slot, Samples.Scores());
            ledger.CheckConservation();
        }

        ledger.EndedGroups.ShouldBe([0L]);
        ledger.Take(0).Count.ShouldBe(2);
        ledger.Open.ShouldBe(2);
        ledger.Settle(0, new Dictionary<Slot, string> { [new Slot(0, 1)] = "filtered" });
        ledger.CheckConservation();
        ledger.Totals.Trained.ShouldBe(1);
        ledger.Totals.Dropped.ShouldBe(new Dictionary<string, long> { ["filtered"] = 1 });
        ledger.Open.ShouldBe(0);
        ledger.Groups.ShouldBeEmpty();
    }

    [Fact]
    public void A_transition_that_is_not_in_the_picture_throws()
    {
        var ledger = new Ledger();
        var slot = ledger.Plan(1)[0];
        Should.Throw<LedgerException>(() => ledger.Unlease(slot)).Message.ShouldBe("slot 0/0 cannot go from Planned to Planned");
        Should.Throw<LedgerException>(() => ledger.Scored(slot, null));
        Should.Throw<LedgerException>(() => ledger.ScoringFailed(slot));
        Should.Throw<LedgerException>(() => ledger.Take(0));
        ledger.Lease(slot);
        Should.Throw<LedgerException>(() => ledger.Lease(slot));
        ledger.Generated(slot, Samples.Trajectory(slot.Slot));
        Should.Throw<LedgerException>(() => ledger.Generated(slot, Samples.Trajectory(slot.Slot)));
        ledger.Scored(slot, null);
        Should.Throw<LedgerException>(() => ledger.Scored(slot, null));
        Should.Throw<LedgerException>(() => ledger.Settle(0, new Dictionary<Slot, string>()));
        ledger.Take(0);
        Should.Throw<LedgerException>(() => ledger.Take(0));
        ledger.Drop(slot, "stale");
        Should.Throw<LedgerException>(() => ledger.Drop(slot, "stale"));
        ledger.EndedGroups.ShouldBeEmpty(); // it was taken, and must not be offered again
    }

    [Fact]
    public void An_attempt_counts_unless_the_lease_was_declined()
    {
        var ledger = new Ledger();
        var slot = ledger.Plan(1)[0];
        ledger.Lease(slot);
        ledger.Unlease(slot, attempted: false);
        slot.FailedAttempts.ShouldBe(0);
        ledger.Lease(slot);
        ledger.Unlease(slot);
        slot.FailedAttempts.ShouldBe(1);
        ledger.Generated(slot, Samples.Trajectory(slot.Slot));
        slot.FailedAttempts.ShouldBe(0, "scoring has attempts of its own");
    }

    [Fact]
    public void A_snapshot_restores_to_the_same_books_with_leases_and_batches_taken_back()
    {
        var ledger = new Ledger();
        var (first, second) = (ledger.Plan(4), ledger.Plan(1));
        ledger.Lease(first[0]);
        Generate(ledger, first[1]);
        Generate(ledger, first[2]);
        ledger.Scored(first[2], Samples.Scores());
        ledger.Drop(first[3], "failed");
        Generate(ledger, second[0]);
        ledger.Scored(second[0], Samples.Scores());
        ledger.Take(1);

        var restored = Ledger.Restore(WireCodec.DecodeLedger(WireCodec.EncodeLedger(ledger.Snapshot(new PolicyVersion(7)))));

        restored.Groups[0].Select(slot => slot.State).ShouldBe([SlotState.Planned, SlotState.Generated, SlotState.Scored, SlotState.Dropped]);
        restored.Groups[0][3].DropReason.ShouldBe("failed");
        restored.Groups[1][0].State.ShouldBe(SlotState.Scored);
        restored.EndedGroups.ShouldBe([1L]);
        restored.NextGroup.ShouldBe(2);
        restored.Open.ShouldBe(ledger.Open);
        restored.Totals.ShouldBeEquivalentTo(ledger.Totals);
        restored.Snapshot(new PolicyVersion(7)).ShouldBeEquivalentTo(ledger.Snapshot(new PolicyVersion(7)));
    }

    [Fact]
    public void A_snapshot_that_does_not_balance_is_refused()
    {
        var ledger = new Ledger();
        ledger.Plan(2);
        var snapshot = ledger.Snapshot(new PolicyVersion(0));
        Should.Throw<LedgerException>(() => Ledger.Restore(snapshot with { Totals = snapshot.Totals with { Trained = 1 } })).Message.ShouldContain("does not balance");
    }

    private static void Generate(Ledger ledger, LedgerSlot slot)
    {
        ledger.Lease(slot);
        ledger.Generated(slot, Samples.Trajectory(slot.Slot));
    }
}
