using Distributed.Node.Composition;
using Distributed.Node.Recipes;
using Distributed.Ports;

namespace Distributed.Node.Tests.Recipes;

public sealed class TurnJudgingTests
{
    private static ITurnJudge? Judge(string environment, string shapers)
    {
        var recipe = RecipeFile.ParseTraining($"model: {{path: m}}\nenvironment: {environment}\nalgorithm: {{name: a2tgpo, shapers: [{shapers}]}}\n", "/r/x.yaml", []);
        return TurnJudging.For(recipe, RunParts.WorldAlone(recipe));
    }

    [Theory]
    [InlineData("{name: rank-incentive}")]
    [InlineData("{name: par}, {name: tool-format}")]
    public void The_search_world_judges_turns_for_the_shapers_that_ask(string shapers) => Judge("search-world", shapers).ShouldNotBeNull();

    [Fact]
    public void Nobody_judges_where_no_shaper_asks() => Judge("search-world", "{name: par}").ShouldBeNull();

    [Theory]
    [InlineData("{name: rank-incentive}", "rank-incentive needs to know at which rank a needed passage came, which the environment arithmetic does not tell; remove it, or choose search-world or jsonl-search")]
    [InlineData("{name: tool-format}", "tool-format needs to know which tool calls were right, which the environment arithmetic does not tell; remove it, or choose search-world, or a class")]
    public void An_environment_that_cannot_tell_is_refused(string shaper, string expected) =>
        Should.Throw<RefusedException>(() => Judge("arithmetic", shaper)).Message.ShouldContain(expected);
}
