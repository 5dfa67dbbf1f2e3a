using System.Reflection;
using Distributed.Credit;
using Distributed.Node.Recipes;

namespace Distributed.Node.Tests.Recipes;

public sealed class MethodOptionsTests
{
    public static TheoryData<string> Methods => [.. AdvantageEstimators.All.Select(entry => entry.Name)];

    public static TheoryData<string> Shapers => [.. RewardShapers.All.Select(entry => entry.Name)];

    [Fact]
    public void Every_method_and_shaper_can_be_named_in_a_recipe()
    {
        Words(typeof(AlgorithmSection)).ShouldBe(AdvantageEstimators.All.Select(entry => entry.Name));
        Words(typeof(ShaperSection)).ShouldBe(RewardShapers.All.Select(entry => entry.Name));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_option_of_a_method_can_be_written_in_a_recipe(string name) =>
        Applying(typeof(AlgorithmSection), name).ShouldBe(OptionNames.Of(AdvantageEstimators.Find(name).Options), ignoreOrder: true);

    [Theory]
    [MemberData(nameof(Shapers))]
    public void Every_option_of_a_shaper_can_be_written_in_a_recipe(string name) =>
        Applying(typeof(ShaperSection), name).ShouldBe(OptionNames.Of(RewardShapers.All.First(entry => entry.Name == name).Options), ignoreOrder: true);

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_recipe_that_only_names_a_method_gets_the_librarys_defaults(string name)
    {
        var recipe = RecipeFile.ParseTraining($"model: {{path: m}}\nalgorithm: {name}\n", "/r/x.yaml", []);
        var batch = new ScoredGroup("g", [new ScoredRollout(1, [2, 1, 2], [0.2, 0.1]), new ScoredRollout(0, [2, 1], [-0.1]), new ScoredRollout(0.5, [3, 1], [0.4])]);
        CreditOptions.Estimator(recipe.Algorithm).Assign([batch]).Groups[0].Rollouts.SelectMany(credit => credit.Advantages)
            .ShouldBe(AdvantageEstimators.Create(name).Assign([batch]).Groups[0].Rollouts.SelectMany(credit => credit.Advantages));
    }

    [Theory]
    [InlineData("grpo", false)]
    [InlineData("{name: gigpo, use_gains: true}", true)]
    [InlineData("gigpo", false)]
    [InlineData("gtpo", false)]
    [InlineData("igpo", true)]
    [InlineData("a2tgpo", true)]
    [InlineData("turn-peer", true)]
    public void Gains_are_measured_only_where_the_method_uses_them(string algorithm, bool used) =>
        CreditOptions.UsesGains(RecipeFile.ParseTraining($"model: {{path: m}}\nalgorithm: {algorithm}\n", "/r/x.yaml", []).Algorithm).ShouldBe(used);

    private static IReadOnlyList<string> Words(Type section) => section.GetProperty("Name")!.GetCustomAttribute<OneOfAttribute>()!.Words;

    private static IEnumerable<string> Applying(Type section, string name) => OptionField.Of(section)
        .Where(field => field.Property.GetCustomAttribute<AppliesToAttribute>() is { } applies && applies.Names.Contains(name))
        .Select(field => field.Key);
}
