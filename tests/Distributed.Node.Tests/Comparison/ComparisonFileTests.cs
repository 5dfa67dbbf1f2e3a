using Distributed.Node.Comparison;

namespace Distributed.Node.Tests.Comparison;

public sealed class ComparisonFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public ComparisonFileTests() => File.WriteAllText(folder["base.yaml"], """
        steps: 7
        model: {shape: {}}
        algorithm: {name: a2tgpo, ig_std_floor: 0.1}
        optimizer: {lr: 1e-3}
        """);

    public void Dispose() => folder.Dispose();

    private ComparisonFile Parse(string yaml) => ComparisonFile.Parse(yaml, folder["x.yaml"]);

    private string Refusal(string yaml) => Should.Throw<RefusedException>(() => PlannedRun.Plan(Parse(yaml))).Message;

    [Fact]
    public void Runs_are_methods_times_tasks_times_seeds_with_every_overlay()
    {
        var runs = PlannedRun.Plan(Parse("""
            base: base.yaml
            seeds: [3, 5]
            recipe: {steps: 2}
            methods:
              grpo: {algorithm: grpo}
              a2: {algorithm: {beta: 0.2}}
            tasks:
              easy:
              hard: {environment: {level: 3}, optimizer: {warmup_steps: 9}}
            """));
        runs.Select(run => run.Title).ShouldBe([
            "grpo, easy, seed 3", "a2, easy, seed 3", "grpo, hard, seed 3", "a2, hard, seed 3",
            "grpo, easy, seed 5", "a2, easy, seed 5", "grpo, hard, seed 5", "a2, hard, seed 5",
        ]);
        runs.ShouldAllBe(run => run.Recipe.Steps == 2 && run.Recipe.Seed == run.Seed && run.Recipe.Cluster.LearnerThreads == 1);
        runs[0].Recipe.Algorithm.IgStdFloor.ShouldBeNull(); // an estimator named anew leaves the old one's options behind
        runs[1].Recipe.Algorithm.IgStdFloor.ShouldBe(0.1);
        runs[1].Recipe.Algorithm.Beta.ShouldBe(0.2);
        runs[3].Recipe.Environment.Level.ShouldBe(3);
        runs[3].Recipe.Optimizer.Lr.ShouldBe(1e-3);
        runs.Select(run => run.Hash).Distinct().Count().ShouldBe(8);
    }

    [Fact]
    public void The_same_run_has_the_same_hash_whatever_it_is_called_and_another_budget_another()
    {
        string Hash(string name, int steps) => PlannedRun.Plan(Parse($"name: {name}\nbase: base.yaml\nrecipe: {{steps: {steps}}}\nmethods: {{grpo: {{algorithm: grpo}}}}\n"))[0].Hash;
        Hash("a", 3).ShouldBe(Hash("b", 3));
        Hash("a", 4).ShouldNotBe(Hash("a", 3));
    }

    [Theory]
    [InlineData("methods: {a: {}}", "x.yaml:1: base is missing; name the recipe all runs begin with, for example base: search-qa.yaml")]
    [InlineData("base: base.yaml", "x.yaml:1: methods is missing; name at least one, for example methods: {grpo: {algorithm: grpo}}")]
    [InlineData("base: base.yaml\nmethod: {}", "x.yaml:2: a comparison has no method; did you mean methods?")]
    [InlineData("base: base.yaml\nmethods: {a: {}}\nseeds: [1, 1]", "x.yaml:3: seeds must be whole numbers from 0, each once")]
    [InlineData("base: base.yaml\nmethods: {a: {}}\nreference: b", "x.yaml:3: reference 'b' is none of the methods; known: a")]
    [InlineData("base: base.yaml\nmethods: {a: 3}", "x.yaml:2: methods.a must hold keys of a recipe, such as {algorithm: grpo}")]
    [InlineData("base: base.yaml\nmethods:\n  a b: {}", "x.yaml:3: methods 'a b' is no folder name; use at most 60 letters, digits, '-', '_', '+' and '.'")]
    [InlineData("base: base.yaml\nmethods:\n  a: {stepps: 2}", "x.yaml:3: there is no option stepps; did you mean steps?")]
    public void A_wrong_file_is_refused_with_its_line(string yaml, string message) => Refusal(yaml).ShouldEndWith(message);

    [Theory]
    [InlineData("compare-search.yaml", 45)]
    [InlineData("compare-small.yaml", 6)]
    public void The_committed_comparisons_can_be_planned(string name, int runs) =>
        PlannedRun.Plan(ComparisonFile.Read(Path.Combine(RepositoryFolder.Path, "recipes", name))).Count.ShouldBe(runs);
}
