using Distributed.Simulation.Faults;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Tests.Faults;

public sealed class FaultPlanTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(58)]
    public void A_plan_comes_back_from_its_file_as_it_was(ulong seed)
    {
        var plan = FaultDraw.Of(seed);
        var read = FaultPlan.FromJson(plan.ToJson());
        read.ToJson().ShouldBe(plan.ToJson());
        SimulationRun.Of(read).TraceHash.ShouldBe(SimulationRun.Of(plan).TraceHash);
    }

    [Theory]
    [InlineData("{", "line 1")]
    [InlineData("{ \"seed\": 1,\n \"sead\": 2 }", "line 2")]
    [InlineData("{ \"faults\": [ { \"at\": 1, \"kind\": \"flood\", \"node\": \"learner\" } ] }", "fault kind 'flood' is unknown")]
    [InlineData("{ \"faults\": [ { \"at\": -1, \"kind\": \"crash\", \"node\": \"learner\" } ] }", "times and amounts")]
    [InlineData("{ \"faults\": [ { \"at\": 1, \"kind\": \"loss\", \"node\": \"learner\" } ] }", "peer")]
    [InlineData("{ \"faults\": [ { \"at\": 1, \"kind\": \"engine-hang\", \"node\": \"learner\" } ] }", "what")]
    [InlineData("{ \"order\": \"pct:0\" }", "order 'pct:0'")]
    [InlineData("{ \"shape\": { \"rollout_nodes\": 0 } }", "at least 1")]
    [InlineData("null", "no plan")]
    public void A_broken_file_is_refused_with_the_place(string json, string says) => Should.Throw<FormatException>(() => FaultPlan.FromJson(json)).Message.ShouldContain(says);

    [Fact]
    public void Every_kind_of_fault_is_drawn_by_some_seed() =>
        Enumerable.Range(1, 300).SelectMany(seed => FaultDraw.Of((ulong)seed).Faults).Select(fault => fault.Kind).Distinct().ShouldBe(FaultKinds.All, ignoreOrder: true);

    [Fact]
    public void A_failing_plan_shrinks_to_the_faults_that_matter()
    {
        var plan = new FaultPlan
        {
            Seed = 1,
            Planted = "lost-lease-on-rejoin",
            Faults =
            [
                new PlannedFault(1, FaultKinds.Loss, "scorer-0") { Peer = "learner", Seconds = 2, Amount = 0.3 },
                new PlannedFault(2, FaultKinds.SlowTool, "rollout-1") { Seconds = 2, Amount = 3 },
                new PlannedFault(3, FaultKinds.Crash, "rollout-0") { Seconds = 0.4 },
                new PlannedFault(4, FaultKinds.Pause, "scorer-0") { Seconds = 1 },
            ],
        };
        var shrinker = new PlanShrinker(smaller => SimulationRun.Of(smaller), _ => { });
        var smallest = shrinker.Shrink(plan);
        smallest.Violation!.Invariant.ShouldBe("conservation of leases");
        smallest.Plan.Faults.Select(fault => fault.Kind).ShouldContain(FaultKinds.Crash);
        smallest.Plan.Faults.Count.ShouldBeLessThanOrEqualTo(2);
        SimulationRun.Of(smallest.Plan).Violation.ShouldBe(smallest.Violation);
    }
}
