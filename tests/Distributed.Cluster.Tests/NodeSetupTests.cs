using Distributed.Node.Cluster;

namespace Distributed.Cluster.Tests;

/// <summary>What a node makes of a set-up that was changed on its way.</summary>
public sealed class NodeSetupTests
{
    [Fact]
    public void A_recipe_with_a_changed_letter_or_under_another_fingerprint_is_not_whole()
    {
        const string Recipe = "environment:\n  level: 1\n";
        var setup = new NodeSetup(NodeSetup.CurrentFormat, NodeSetup.RunOf(Recipe), Recipe, []);
        setup.IsWhole.ShouldBeTrue();
        (setup with { Recipe = Recipe.Replace('1', '3') }).IsWhole.ShouldBeFalse("it can be read as well, and is another recipe");
        (setup with { Run = NodeSetup.RunOf("other") }).IsWhole.ShouldBeFalse();
    }
}
