using Distributed.Actors.Tests.Fakes;
using Distributed.Actors.Tests.Runs;
using Distributed.Actors.Weights;

namespace Distributed.Actors.Tests.Weights;

/// <summary>Whole runs in which nodes pull weights from each other: the weights are those of a run where all pull from the learner.</summary>
public sealed class WeightMeshRunTests
{
    private static readonly WeightSpreadOptions Deltas = new() { RangeBytes = 12, PullsFromLearner = 1, Deltas = true };

    [Fact]
    public void Nodes_pull_from_each_other_and_as_deltas_and_the_run_is_the_same()
    {
        var mesh = new WeightMesh();
        var run = new TrainingRun { RolloutNodes = 4, NodeTransport = mesh.At, Spread = Deltas }.Run().ShouldBeWhole();
        run.WeightsHash.ShouldBe(Reference.WeightsHash);
        mesh.Served.ShouldContain(range => range.Source.StartsWith("rollout"), "peers serve");
        foreach (var version in mesh.Served.GroupBy(range => range.Image.Version))
            version.Where(range => range.Source == "learner").Select(range => range.To).Distinct().Count().ShouldBe(1, $"version {version.Key.Value} leaves the learner once");
        mesh.Served.GroupBy(range => (range.To, range.Image, range.Offset)).ShouldAllBe(range => range.Count() == 1, "no range is fetched twice");
    }

    [Fact]
    public void A_peer_that_is_cut_off_in_the_middle_costs_no_range_twice_and_not_the_run()
    {
        var ranges = 0;
        var mesh = new WeightMesh { Serves = (source, _, _) => source == "learner" || Interlocked.Increment(ref ranges) % 2 == 1 };
        var run = new TrainingRun { RolloutNodes = 4, NodeTransport = mesh.At, Spread = Deltas with { Deltas = false } }.Run().ShouldBeWhole();
        run.WeightsHash.ShouldBe(Reference.WeightsHash);
        run.Notices.ShouldContain(line => line.Contains("is cut off"));
        mesh.Served.GroupBy(range => (range.To, range.Image, range.Offset)).ShouldAllBe(range => range.Count() == 1, "what is here is not fetched again");
    }

    [Fact]
    public void Sources_without_the_delta_are_pulled_from_whole()
    {
        var mesh = new WeightMesh { Serves = (source, _, image) => image.Since == null };
        new TrainingRun { RolloutNodes = 3, NodeTransport = mesh.At, Spread = Deltas }.Run().ShouldBalance();
    }
}
