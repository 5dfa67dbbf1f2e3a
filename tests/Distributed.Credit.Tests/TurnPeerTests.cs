namespace Distributed.Credit.Tests;

public sealed class TurnPeerTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("unbiased_turn_option").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Every_form_matches_the_reference(string name)
    {
        var c = Reference.Cases("unbiased_turn_option").Single(c => c.Name() == name);
        var groups = c.GroupsWithGains(c.Table("ig_per_tool_turn"));
        foreach (var expected in c.GetProperty("expected").EnumerateArray())
        {
            var options = new TurnPeerOptions(Gamma: expected.Number("gamma"));
            Check(options, expected.Table("stop_aware_turn_group"));
            Check(options with { Peers = TurnPeers.AllRollouts }, expected.Table("all_rollouts_absent_zero"));
            Check(options with { Scale = AdvantageScale.Peers }, expected.Table("stop_aware_scaled"));
        }

        void Check(TurnPeerOptions options, double[][] expected) =>
            groups.Credit(new TurnPeer(options)).Select(r => r.Advantages).ToArray().ShouldMatchRows(expected, $"{name} {options}");
    }

    [Fact]
    public void Stopping_is_charged_with_the_gain_it_gives_up()
    {
        // Both end with the same outcome; one looked something up first and gained by it.
        var group = new ScoredGroup("q", [new(1, [1, 1], [0.5]), new(1, [1])]);
        var credit = new TurnPeer(new TurnPeerOptions()).Assign([group]).Groups[0].Rollouts;
        credit[0].Advantages[0].ShouldBe(0.5);
        credit[1].Advantages[0].ShouldBe(-0.5);
    }

    [Fact]
    public void One_number_scales_the_whole_batch()
    {
        ScoredGroup[] batch = [new("q", [new(1, [1, 1], [0.5]), new(0, [1])]), new("p", [new(3, [1]), new(1, [1, 1], [-0.25])])];
        var plain = All(new TurnPeerOptions());
        var scaled = All(new TurnPeerOptions(Scale: AdvantageScale.Batch));
        Math.Sqrt(scaled.Average(a => a * a)).ShouldBe(1, 1e-12);
        scaled.Zip(plain, (s, p) => s * plain[0] - p * scaled[0]).ShouldAllBe(difference => Math.Abs(difference) < 1e-12);

        double[] All(TurnPeerOptions options) =>
            [.. new TurnPeer(options).Assign(batch).Groups.SelectMany(g => g.Rollouts).SelectMany(r => r.Advantages)];
    }

    [Fact]
    public void A_rollout_without_gains_is_compared_by_outcome_and_is_no_peer_for_the_process_part()
    {
        var with = new ScoredRollout(1, [1, 1], [0.5]);
        var other = new ScoredRollout(0, [1, 1], [0.1]);
        var without = new ScoredRollout(0, [1, 1]);
        var batch = new TurnPeer(new TurnPeerOptions()).Assign([new("q", [with, other, without])]);
        batch.RolloutsWithoutGain.ShouldBe(1);
        var credit = batch.Groups[0].Rollouts;
        credit[0].Advantages[0].ShouldBe(0.4 + 1, 1e-12);
        credit[2].Advantages[0].ShouldBe(-0.5, 1e-12);
    }
}
