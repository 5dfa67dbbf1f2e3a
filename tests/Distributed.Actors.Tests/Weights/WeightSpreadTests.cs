using Distributed.Actors.Weights;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Weights;

public sealed class WeightSpreadTests
{
    private static readonly NodeId Learner = new("learner");
    private static readonly LearnerEpoch Epoch = new(3);
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(100);

    private static NodeId Node(int number) => new($"n{number:000}");

    private static PolicyWanted Has(int node, long version, bool serves = true, NodeId? failed = null, long epoch = 3) =>
        new(Node(node), new LearnerEpoch(version < 0 ? -1 : epoch), new PolicyVersion(version), serves ? $"at {node}" : null, failed);

    private static WeightSpread Known(int nodes, WeightSpreadOptions? options = null, long version = -1, bool serve = true)
    {
        var spread = new WeightSpread(options ?? new WeightSpreadOptions(), Epoch, Learner);
        for (var node = 0; node < nodes; node++) spread.Heard(Has(node, version, serve), Start).ShouldBeEmpty();
        return spread;
    }

    // Every assigned node has the version one round later.
    private static (int Rounds, int FromLearner, int MostAtOnce) PlayOut(WeightSpread spread, IReadOnlyList<PullAssignment> first, long version, Func<PullAssignment, bool>? fails = null)
    {
        var (rounds, fromLearner, mostAtOnce, pending) = (0, 0, 0, first.ToList());
        while (pending.Count > 0)
        {
            rounds++.ShouldBeLessThan(100);
            fromLearner += pending.Count(pull => pull.Source == Learner);
            mostAtOnce = Math.Max(mostAtOnce, pending.GroupBy(pull => pull.Source).Max(group => group.Count()));
            pending = [.. pending.SelectMany(pull => spread.Heard(
                fails?.Invoke(pull) == true ? Has(Number(pull.Node), -1, failed: pull.Source) : Has(Number(pull.Node), version), Start))];
        }

        return (rounds, fromLearner, mostAtOnce);
    }

    private static int Number(NodeId node) => int.Parse(node.Value[1..], System.Globalization.CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 2, 1)]
    [InlineData(8, 2, 3)]
    [InlineData(64, 2, 5)]
    [InlineData(500, 2, 7)]
    public void What_leaves_the_learner_does_not_grow_and_the_rounds_grow_with_the_logarithm(int nodes, int fromLearner, int roundsAtMost)
    {
        var spread = Known(nodes);
        var (rounds, pulls, mostAtOnce) = PlayOut(spread, spread.Publish(new PolicyVersion(1), null, Start), 1);
        pulls.ShouldBe(fromLearner);
        rounds.ShouldBeLessThanOrEqualTo(roundsAtMost);
        mostAtOnce.ShouldBeLessThanOrEqualTo(2);
        for (var node = 0; node < nodes; node++) spread.Heard(Has(node, 1), Start).ShouldBeEmpty("all have it");
    }

    [Fact]
    public void Nodes_that_serve_nobody_pull_from_the_learner_a_few_at_once()
    {
        var spread = Known(5, serve: false);
        var first = spread.Publish(new PolicyVersion(1), null, Start);
        first.Select(pull => pull.Source).ShouldBe([Learner, Learner]);
        spread.Heard(Has(0, 1, serves: false), Start).Select(pull => (pull.Node, pull.Source)).ShouldBe([(Node(2), Learner)]);
    }

    [Fact]
    public void In_one_process_nobody_waits()
    {
        var spread = Known(9, WeightSpreadOptions.InProcess, serve: false);
        spread.Publish(new PolicyVersion(1), null, Start).Count.ShouldBe(9);
    }

    [Fact]
    public void A_node_whose_peer_fails_is_not_sent_there_again_and_the_learner_helps_out()
    {
        var spread = Known(6);
        var (_, fromLearner, mostAtOnce) = PlayOut(spread, spread.Publish(new PolicyVersion(1), null, Start), 1, pull => pull.Source == Node(0));
        fromLearner.ShouldBeInRange(2, 6);
        mostAtOnce.ShouldBeLessThanOrEqualTo(2);
        for (var node = 0; node < 6; node++) spread.Heard(Has(node, 1), Start).ShouldBeEmpty();
    }

    [Fact]
    public void A_failure_of_the_learner_itself_is_tried_again()
    {
        var spread = Known(1);
        spread.Publish(new PolicyVersion(1), null, Start);
        spread.Heard(Has(0, -1, failed: Learner), Start).Select(pull => pull.Source).ShouldBe([Learner]);
    }

    [Fact]
    public void A_node_that_asks_again_is_sent_to_the_same_source()
    {
        var spread = Known(3);
        var first = spread.Publish(new PolicyVersion(1), null, Start);
        spread.Heard(Has(Number(first[0].Node), -1), Start).ShouldBe([first[0]]);
        spread.Heard(Has(2, -1), Start).ShouldBeEmpty("it has no source yet");
    }

    [Fact]
    public void A_lost_node_leaves_its_place_free_and_serves_nobody()
    {
        var spread = Known(4);
        spread.Publish(new PolicyVersion(1), null, Start).Select(pull => pull.Node).ShouldBe([Node(0), Node(1)]);
        spread.Lost(Node(0), Start).Count.ShouldBe(0, "node 1 is on its way and will serve");
        spread.Heard(Has(1, 1), Start).Select(pull => (pull.Node, pull.Source)).ShouldBe([(Node(2), Node(1)), (Node(3), Node(1))]);
        spread.Lost(Node(1), Start).Select(pull => (pull.Node, pull.Source)).ShouldBe([(Node(2), Learner)], "node 3 waits for node 2");
    }

    [Fact]
    public void A_node_not_heard_of_for_long_no_longer_holds_a_place()
    {
        var spread = Known(3);
        spread.Publish(new PolicyVersion(1), null, Start);
        var later = Start + new WeightSpreadOptions().PullLimit + TimeSpan.FromSeconds(1);
        spread.Heard(Has(2, -1), later).ShouldContain(pull => pull.Node == Node(2) || pull.Node == Node(0));
    }

    [Fact]
    public void A_late_joiner_is_sent_to_a_node_that_has_the_newest()
    {
        var spread = Known(1);
        PlayOut(spread, spread.Publish(new PolicyVersion(1), null, Start), 1);
        spread.Heard(Has(1, -1), Start).ShouldBe([new PullAssignment(Node(1), Node(0), "at 0", AsDelta: false)]);
    }

    [Fact]
    public void Versions_of_another_epoch_count_for_nothing()
    {
        var spread = Known(1);
        spread.Publish(new PolicyVersion(1), null, Start);
        spread.Heard(Has(0, 9, epoch: 2), Start).Select(pull => pull.Source).ShouldBe([Learner]);
    }

    [Fact]
    public void A_delta_goes_to_nodes_with_the_version_before_from_sources_that_have_it()
    {
        var spread = Known(4, version: 5);
        spread.Heard(Has(3, -1), Start);
        var first = spread.Publish(new PolicyVersion(6), new PolicyVersion(5), Start);
        first.ShouldBe([new PullAssignment(Node(0), Learner, null, AsDelta: true), new PullAssignment(Node(1), Learner, null, AsDelta: true)]);
        spread.Heard(Has(0, 6), Start).ShouldBe([
            new PullAssignment(Node(2), Node(0), "at 0", AsDelta: true),
            new PullAssignment(Node(3), Node(0), "at 0", AsDelta: false), // it has no version 5
        ]);
    }

    [Fact]
    public void A_source_that_took_the_version_whole_serves_it_whole()
    {
        var spread = Known(3, new WeightSpreadOptions { PullsFromLearner = 1 });
        spread.Heard(Has(1, 5), Start);
        spread.Heard(Has(2, 5), Start);
        spread.Publish(new PolicyVersion(6), new PolicyVersion(5), Start).ShouldBe([new PullAssignment(Node(0), Learner, null, AsDelta: false)]);
        spread.Heard(Has(0, 6), Start).ShouldBe([new PullAssignment(Node(1), Node(0), "at 0", false), new PullAssignment(Node(2), Node(0), "at 0", false)]);
    }

    [Fact]
    public void Nodes_of_the_life_before_are_told_without_having_asked()
    {
        var spread = new WeightSpread(new WeightSpreadOptions(), Epoch, Learner);
        spread.Expect(Node(7));
        spread.Publish(new PolicyVersion(4), null, Start).ShouldBe([new PullAssignment(Node(7), Learner, null, AsDelta: false)]);
    }
}
