using Distributed.Simulation.Faults;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Tests.Runs;

public sealed class SimulationRunTests
{
    [Fact]
    public void A_run_without_faults_ends_with_every_step_done()
    {
        var outcome = SimulationRun.Of(new FaultPlan { Seed = 3, HealAt = 0 });
        outcome.Violation.ShouldBeNull();
        outcome.FinalWeights.ShouldNotBeNull();
        outcome.VirtualTime.ShouldBeGreaterThan(TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(20)]
    [InlineData(33)]
    public void The_same_plan_gives_the_same_trace(ulong seed) => SimulationRun.Of(FaultDraw.Of(seed)).TraceHash.ShouldBe(SimulationRun.Of(FaultDraw.Of(seed)).TraceHash);

    // Every feed's Akka must agree, in every process. A change of the protocol or of the simulator's draws changes them: then put in what `distributed simulate --seed N` prints.
    [Theory]
    [InlineData(1, "4287ddb369e51069")]
    [InlineData(2, "f10c22882a90956f")]
    [InlineData(3, "8a93b72b9fea9391")]
    [InlineData(7, "fb238a1f7b11f706")]
    [InlineData(17, "8e29e4fb8e380495")]
    public void A_seed_has_the_trace_it_had(ulong seed, string trace) => SimulationRun.Of(FaultDraw.Of(seed)).TraceHash.ShouldBe(trace);

    [Fact]
    public void Telling_every_detail_changes_nothing()
    {
        var told = SimulationRun.Of(FaultDraw.Of(11), details: true);
        told.TraceHash.ShouldBe(SimulationRun.Of(FaultDraw.Of(11)).TraceHash);
        told.Story.ShouldContain(line => line.IsDetail);
    }

    [Fact]
    public void Final_weights_of_a_synchronous_run_depend_on_neither_nodes_nor_timing()
    {
        var one = SimulationRun.Of(new FaultPlan { Seed = 1, HealAt = 0 });
        var other = SimulationRun.Of(new FaultPlan { Seed = 2, HealAt = 0, Order = "pct:3", Shape = new TrainingShape { RolloutNodes = 4, Scorers = 2 } });
        other.TraceHash.ShouldNotBe(one.TraceHash);
        other.FinalWeights.ShouldBe(one.FinalWeights);
    }

    [Fact]
    public void A_learner_killed_while_it_writes_a_checkpoint_loses_nothing()
    {
        var plan = new FaultPlan { Seed = 5, Faults = [new PlannedFault(4, FaultKinds.TornCheckpoint, "learner")] };
        var outcome = SimulationRun.Of(plan);
        outcome.Violation.ShouldBeNull();
        outcome.Counters.Keys.ShouldContain("path:torn-checkpoint-passed-over");
        outcome.FinalWeights.ShouldBe(SimulationRun.UndisturbedWeights(plan.Shape));
    }

    [Fact]
    public void A_run_that_cannot_end_says_who_waits_for_whom()
    {
        // Engines that never answer are more than any protocol can mend.
        var outcome = SimulationRun.Of(new FaultPlan { Seed = 5, HealAt = 500, Faults = [new PlannedFault(1, FaultKinds.EngineHang, "learner") { What = "train", Seconds = 500 }] });
        outcome.Story.ShouldContain(line => line.Text.Contains("no progress for 30 s: the learner trains version 1; rollout-0 (rollout, version 0) holds 0 leases", StringComparison.Ordinal));
    }

    // The learner had begun to train 0.4 s before the stall time-out ended the run, because the batch was completed by slots that were given up.
    [Fact]
    public void A_learner_that_has_just_begun_to_train_is_no_stall()
    {
        var outcome = SimulationRun.Of(new FaultPlan { Seed = 5, HealAt = 500, Faults = [new PlannedFault(1, FaultKinds.EngineHang, "*") { What = "generate", Seconds = 500 }] });
        outcome.Story.ShouldNotContain(line => line.Text.Contains("no progress for 30 s: the learner trains version 1", StringComparison.Ordinal));
        outcome.Story.ShouldContain(line => line.Text.Contains("version 1 is trained", StringComparison.Ordinal));
    }
}
