using Distributed.Simulation.Faults;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Tests;

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

    [Fact]
    public void The_same_plan_gives_the_same_trace() =>
        SimulationRun.Of(FaultDraw.Of(7)).TraceHash.ShouldBe(SimulationRun.Of(FaultDraw.Of(7)).TraceHash);

    [Fact]
    public void Final_weights_of_a_synchronous_run_do_not_depend_on_the_simulation_seed()
    {
        var one = SimulationRun.Of(new FaultPlan { Seed = 1, HealAt = 0 });
        var other = SimulationRun.Of(new FaultPlan { Seed = 2, HealAt = 0, Shape = new TrainingShape { RolloutNodes = 4, Scorers = 2 } });
        other.TraceHash.ShouldNotBe(one.TraceHash);
        other.FinalWeights.ShouldBe(one.FinalWeights);
    }
}
