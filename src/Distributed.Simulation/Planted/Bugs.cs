using Distributed.Actors.Coordination;
using Distributed.Actors.Learning;
using Distributed.Ports;
using Distributed.Protocol;
using Distributed.Simulation.World;

namespace Distributed.Simulation.Planted;

/// <summary>Coordinators with a bug.</summary>
internal static class Bugs
{
    public static CoordinatorRules CountsArrivals(LearnerLife life, Ledger ledger) => new CountingRules(life, ledger);

    public static CoordinatorRules ForgetsLeases(LearnerLife life, Ledger ledger) => new ForgettingRules(life, ledger);

    public static CoordinatorRules TakesOldEpochs(LearnerLife life, Ledger ledger) => new EpochlessRules(life, ledger);

    public static CoordinatorRules PlansTooMuch(LearnerLife life, Ledger ledger) => new GreedyRules(life, ledger);

    private class Rules(LearnerLife life, Ledger ledger) : CoordinatorRules(life.Settings.Coordinator, life.Epoch, life.Start, ledger);

    private sealed class CountingRules(LearnerLife life, Ledger ledger) : Rules(life, ledger)
    {
        public override IReadOnlyList<Effect> Handle(RolloutCompleted message, long nowMs)
        {
            var slot = message.Trajectory.Slot;
            if (Ledger.Find(slot) is { State: not (SlotState.Planned or SlotState.Leased) }
                && Ledger.Groups[slot.Group].FirstOrDefault(other => other.State is SlotState.Planned or SlotState.Leased) is { } open)
                message = message with { Trajectory = message.Trajectory with { Slot = open.Slot } };
            return base.Handle(message, nowMs);
        }
    }

    private sealed class ForgettingRules(LearnerLife life, Ledger ledger) : Rules(life, ledger)
    {
        public override IReadOnlyList<Effect> Handle(WorkerReady offer, long nowMs)
        {
            Leases.Offer(offer); // what it returns are the leases lost with the former life
            return base.Handle(offer, nowMs);
        }
    }

    private sealed class EpochlessRules(LearnerLife life, Ledger ledger) : Rules(life, ledger)
    {
        private readonly LearnerEpoch _epoch = life.Epoch;

        public override IReadOnlyList<Effect> Handle(RolloutCompleted message, long nowMs) => base.Handle(message with { Epoch = _epoch }, nowMs);
    }

    private sealed class GreedyRules(LearnerLife life, Ledger ledger) : Rules(life, ledger)
    {
        protected override long PlannedGroupsMax => 2 * base.PlannedGroupsMax;
    }
}

/// <summary>A disk whose checkpoints are overwritten in place: while one is being written its weights are new, its optimizer and ledger still the old ones; nothing tells it from a whole one.</summary>
internal sealed class InPlaceDisk : SimulatedDisk
{
    public override void Begin(Checkpoint checkpoint)
    {
        var before = Checkpoints.Values.LastOrDefault()?.Checkpoint;
        Put(new StoredCheckpoint(before == null ? checkpoint with { Ledger = default } : checkpoint with { Optimizer = before.Optimizer, Ledger = before.Ledger }, IsWhole: true));
    }
}

/// <summary>What an engine with a bug does wrong.</summary>
public enum EngineBug
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Weights swap inside turns, and the turn is recorded as sampled by the last ones alone.</summary>
    SwapsMidTurn,

    /// <summary>A load is answered before it is done.</summary>
    AcknowledgesLoadEarly,

    /// <summary>The optimizer is never loaded.</summary>
    ForgetsOptimizer,

    /// <summary>Sequences are never released.</summary>
    KeepsSequences,
}
