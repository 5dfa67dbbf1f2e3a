using System.Text;
using Distributed.Credit;
using Distributed.Node.CreditFiles;
using Distributed.Node.Runs;

namespace Distributed.Node.Tests.CreditFiles;

public sealed class GroupsFileTests
{
    private static IReadOnlyList<FileGroup> Parse(string json) => GroupsFile.Parse(Encoding.UTF8.GetBytes(json), "g.json");

    private static string InGroup(string rollout) => $$"""{"format": "distributed-groups", "version": 1, "groups": [{"id": "a", "rollouts": [{{rollout}}]}]}""";

    [Fact]
    public void Groups_read_back_as_they_were_written()
    {
        var match = new ToolCallMatch(true, [new ToolCall("search", new Dictionary<string, string> { ["q"] = "x" })], []);
        var group = new ScoredGroup("7", [
            new ScoredRollout(1.0 / 3, [3, 2], [0.1 + 0.2]) { Signals = [new TurnSignals { Anchor = "", CalledTool = true, Code = "1+1", RetrievalRank = 2, ToolCalls = match }, new TurnSignals { Malformed = true }] },
            new ScoredRollout(-1, [4]),
            new ScoredRollout(0, [1, 1, 1], [double.NaN, 5e-324]),
        ]);
        using var stream = new MemoryStream();
        GroupsFile.Write(stream, [new FileGroup(12, group, [[0.25, -1e-17], null, null])]);
        var read = GroupsFile.Parse(stream.ToArray(), "g.json").ShouldHaveSingleItem();
        read.Step.ShouldBe(12);
        read.Used[0].ShouldBe([0.25, -1e-17]);
        read.Used[1].ShouldBeNull();
        read.Group.Id.ShouldBe("7");
        for (var i = 0; i < 3; i++)
        {
            var (mine, theirs) = (read.Group.Rollouts[i], group.Rollouts[i]);
            mine.Outcome.ShouldBe(theirs.Outcome);
            mine.TurnTokens.ShouldBe(theirs.TurnTokens);
            mine.Gains.ShouldBe(theirs.Gains);
            mine.Signals.Select(signals => signals with { ToolCalls = null }).ShouldBe(theirs.Signals.Select(signals => signals with { ToolCalls = null }));
        }

        read.Group.Rollouts[0].Signals[0].ToolCalls!.Predicted.ShouldHaveSingleItem().Arguments["q"].ShouldBe("x");
    }

    [Theory]
    [InlineData("[]", "g.json: $: is a list; give an object")]
    [InlineData("{\"format\": \"x\"}", "g.json: $.format: is \"x\"; give \"distributed-groups\"")]
    [InlineData("{\"format\": \"distributed-groups\", \"version\": 2, \"groups\": []}", "g.json: $.version: is 2; give 1, the version this program reads")]
    [InlineData("{\"format\": \"distributed-groups\", \"version\": 1, \"groups\": []}", "g.json: $.groups: is empty; give at least one group")]
    [InlineData("{\"format\": \"distributed-groups\", \"version\": 1, \"grups\": []}", "g.json: $.grups: is not known; known here: format, version, groups, note")]
    [InlineData("{\"format\": \n oops", "g.json: is no JSON (line 2, byte 2); mend it there")]
    public void A_wrong_file_is_refused_with_the_place(string json, string message) => Should.Throw<RefusedException>(() => Parse(json)).Message.ShouldBe(message);

    [Theory]
    [InlineData("{\"turn_tokens\": [1]}", "g.json: $.groups[0].rollouts[0].outcome: is missing; give the outcome reward, a number")]
    [InlineData("{\"outcome\": \"1\", \"turn_tokens\": [1]}", "g.json: $.groups[0].rollouts[0].outcome: is \"1\"; give the outcome reward, a number")]
    [InlineData("{\"outcome\": 1e999, \"turn_tokens\": [1]}", "g.json: $.groups[0].rollouts[0].outcome: is 1e999; give the outcome reward, a number")]
    [InlineData("{\"outcome\": 1, \"turn_tokens\": [1.5]}", "g.json: $.groups[0].rollouts[0].turn_tokens[0]: is 1.5; give a whole number of tokens")]
    [InlineData("{\"outcome\": 1, \"turn_tokens\": [1, 2], \"gains\": [1, 2]}", "g.json: $.groups[0]: group 'a', rollout 0 has 2 gains for 1 tool turns; give one for each turn but the last, or null")]
    [InlineData("{\"outcome\": 1, \"turn_tokens\": [1], \"advantages\": [1, 2]}", "g.json: $.groups[0].rollouts[0].advantages: is a list; give 1 numbers, one for each turn")]
    [InlineData("{\"outcome\": 1, \"turn_tokens\": [1], \"signals\": [{\"anker\": 1}]}", "g.json: $.groups[0].rollouts[0].signals[0].anker: is not known; known here: anchor, malformed, called_tool, code, retrieval_rank, tool_calls, process_reward")]
    public void A_wrong_rollout_is_refused_with_the_place(string rollout, string message) => Should.Throw<RefusedException>(() => Parse(InGroup(rollout))).Message.ShouldBe(message);

    [Fact]
    public void Groups_of_one_step_are_one_batch()
    {
        FileGroup Group(string id, int step, double high) => new(step, new ScoredGroup(id, [new ScoredRollout(high, [1]), new ScoredRollout(0, [1])]), [null, null]);
        FileGroup[] groups = [Group("a", 1, 1), Group("b", 2, 8), Group("c", 1, 3)];
        var estimator = AdvantageEstimators.Create("reinforce++");
        var credit = CreditFile.Assign(estimator, groups, "g.json");
        var together = estimator.Assign([groups[0].Group, groups[2].Group]);
        credit[0].Rollouts[0].Advantages.ShouldBe(together.Groups[0].Rollouts[0].Advantages);
        credit[2].Rollouts[0].Advantages.ShouldBe(together.Groups[1].Rollouts[0].Advantages);
        credit[1].Rollouts[0].Advantages.ShouldBe(estimator.Assign([groups[1].Group]).Groups[0].Rollouts[0].Advantages);
    }

    [Fact]
    public void A_trajectory_is_scored_as_the_learner_scored_it()
    {
        var record = new TrajectoryRecord(3, 4, 0, "p", "c", "q", ["x"], "malformed", -0.5, 2,
        [
            new TrajectoryTurn("<code> 1 + 1 </code>", "2", 5, 0.125, 0.5, 1, false),
            new TrajectoryTurn("oops", null, 2, null, -0.5, 1, false) { ProcessReward = 0.25 },
        ]);
        var scored = RunGroups.Score(record);
        scored.Outcome.ShouldBe(-0.5);
        scored.TurnTokens.ShouldBe([5, 2]);
        scored.Gains!.Value.ShouldBe([0.125]);
        scored.Signals.ShouldBe([
            new TurnSignals { Anchor = "", CalledTool = true, Code = "1 + 1" },
            new TurnSignals { Anchor = "2", Malformed = true, ProcessReward = 0.25 },
        ]);
    }
}
