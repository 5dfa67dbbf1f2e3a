namespace Distributed.Credit.Tests;

public sealed class GigpoTests
{
    // Grouping by string similarity is left out: this project groups by equal observations only.
    public static TheoryData<string> CaseNames() =>
        [.. Reference.Cases("gigpo").Where(c => !c.GetProperty("enable_similarity").GetBoolean()).Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Episode_and_step_advantages_match_the_reference(string name)
    {
        var c = Reference.Cases("gigpo").Single(c => c.Name() == name);
        var rows = c.GetProperty("rows");
        var (groups, trajectories) = (rows.Integers("group"), rows.Integers("trajectory"));
        var rewards = rows.Numbers("step_reward");
        var anchors = rows.GetProperty("anchor_state").EnumerateArray().Select(anchor => anchor.GetString()).ToArray();
        var rowsOf = Enumerable.Range(0, groups.Length).GroupBy(row => (groups[row], trajectories[row])).Select(rows => rows.ToArray())
            .ToArray();
        var rollouts = new GroupedRollouts([.. rowsOf.Select(own => groups[own[0]])], i => new ScoredRollout(
            rewards[rowsOf[i][^1]], [.. rowsOf[i].Select(_ => 1)], [.. rowsOf[i].SkipLast(1).Select(row => rewards[row])])
        {
            Signals = [.. rowsOf[i].Select(row => new TurnSignals { Anchor = anchors[row] })],
        });

        foreach (var mode in c.GetProperty("by_mode").EnumerateObject())
        {
            var options = new GigpoOptions(c.Number("step_advantage_w"), c.Number("gamma"), mode.Name == "mean_std_norm", UseGains: true,
                SingletonGroup: SingletonGroup.Raw);
            var episode = mode.Value.Numbers("episode_advantage_over_step_rows");
            var alone = mode.Value.Numbers("episode_advantage_over_trajectories");
            var total = mode.Value.Numbers("advantage");
            var credit = rollouts.Credit(new Gigpo(options));
            var overRollouts = rollouts.Credit(new Gigpo(options with { ComputeMeanStdCrossSteps = false }));
            for (var i = 0; i < rowsOf.Length; i++)
            {
                for (var t = 0; t < rowsOf[i].Length; t++)
                {
                    var row = rowsOf[i][t];
                    credit[i].OutcomeScore.ShouldMatch(episode[row], $"{name} {mode.Name} episode, row {row}");
                    credit[i].Advantages[t].ShouldMatch(total[row], $"{name} {mode.Name} total, row {row}");
                    overRollouts[i].OutcomeScore.ShouldMatch(alone[row], $"{name} {mode.Name} episode over rollouts, row {row}");
                }
            }
        }
    }
}
