using System.Globalization;
using Distributed.Node.Recipes;

namespace Distributed.Node.Terminal;

/// <summary>What a run is, in a line.</summary>
/// <param name="Name">The recipe's name.</param>
/// <param name="Essentials">Method, batch, staleness, nodes, seed.</param>
/// <param name="Folder">The run folder.</param>
public sealed record RunTitle(string Name, string Essentials, string Folder)
{
    /// <summary>Of a recipe.</summary>
    public static RunTitle Of(Recipe recipe, string folder) => new(recipe.Name, EssentialsOf(recipe), folder);

    /// <summary>Method, batch, staleness, nodes and seed of a recipe.</summary>
    public static string EssentialsOf(Recipe recipe)
    {
        var staleness = recipe.MaxStalenessSteps == 0 ? "synchronous" : $"at most {recipe.MaxStalenessSteps} versions stale";
        var cluster = recipe.Cluster;
        return string.Create(CultureInfo.InvariantCulture,
            $"{recipe.Algorithm.Name} · {recipe.PromptsPerStep} prompts x {recipe.GroupSize} rollouts · {staleness} · {Nodes(cluster.RolloutNodes, "rollout")}, {Nodes(cluster.ScorerNodes, "scorer")} · seed {recipe.Seed}");
    }

    private static string Nodes(int count, string role) => string.Create(CultureInfo.InvariantCulture, $"{count} {role} {(count == 1 ? "node" : "nodes")}");
}
