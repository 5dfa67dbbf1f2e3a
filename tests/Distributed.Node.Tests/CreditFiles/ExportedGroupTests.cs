using Distributed.Node.Comparison;
using Distributed.Node.CreditFiles;
using Distributed.Node.Recipes;

namespace Distributed.Node.Tests.CreditFiles;

public sealed class ExportedGroupTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("{name: a2tgpo, ig_std_floor: 0.001}")]
    [InlineData("{name: gigpo, use_gains: true}")]
    [InlineData("gtpo")]
    [InlineData("{name: a2tgpo, ig_std_floor: 0.001, shapers: [{name: tool-format}, {name: rank-incentive}]}")]
    [InlineData("{name: grpo, shapers: [{name: tool-format, into: outcome}]}")]
    [InlineData("reinforce++")]
    public void Credit_of_a_runs_exported_groups_is_what_the_learner_used(string algorithm)
    {
        File.WriteAllText(folder["base.yaml"], $$"""
            steps: 2
            prompts_per_step: 3
            group_size: 4
            stall_timeout_s: 600
            rollout: {lease_timeout_s: 300}
            model: {path: '{{Path.Combine(RepositoryFolder.Path, "recipes/warm-start/search-qa")}}'}
            environment: {same_kind: true, reward_malformed: -0.5}
            evaluation: {every_steps: 0, questions: 1, untrained: false}
            filter_groups: false
            report: {groups_per_step: 3}
            """);
        var run = PlannedRun.Plan(ComparisonFile.Parse($"base: base.yaml\nmethods: {{m: {{algorithm: {algorithm}}}}}\n", folder["x.yaml"])).ShouldHaveSingleItem();
        using var lines = new StringWriter();
        new ComparisonRuns([run], folder["out"], new ComparisonProgress(lines, TimeProvider.System, [run], 0, 1)).Do(1, CancellationToken.None).ShouldBeEmpty(lines.ToString());

        using var stream = new MemoryStream();
        GroupsFile.Write(stream, RunGroups.Read(run.FolderBelow(folder["out"]), null));
        var groups = GroupsFile.Parse(stream.ToArray(), "groups.json");
        groups.Count.ShouldBe(6);
        var credit = CreditFile.Assign(CreditOptions.Estimator(run.Recipe.Algorithm), groups, "groups.json");
        groups.SelectMany(group => group.Used).ShouldContain(turns => turns!.Any(advantage => advantage != 0));
        for (var g = 0; g < groups.Count; g++)
            for (var i = 0; i < 4; i++)
                credit[g].Rollouts[i].Advantages.ShouldBe(groups[g].Used[i]!);
    }
}
