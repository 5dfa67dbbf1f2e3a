using Distributed.Node.Recipes;

namespace Distributed.Node.Comparison;

/// <summary>Lays a few keys over a recipe.</summary>
internal static class RecipeOverlay
{
    // A section that says anew what it is leaves the options of the old one behind.
    private static readonly string[] Identities = ["name", "path", "shape", "assembly"];

    /// <summary>The recipe with the overlay's keys; sections are merged key by key, unless the overlay's says by name, path or shape what it is.</summary>
    public static RecipeNode.Mapping Put(RecipeNode.Mapping recipe, RecipeNode.Mapping overlay) =>
        overlay.Entries.Aggregate(recipe, (merged, entry) => merged.With(entry.Key, Merge(merged.Entries.FirstOrDefault(e => e.Key == entry.Key)?.Value, entry.Value)));

    /// <summary>The recipe with one more key, unless it has it.</summary>
    public static RecipeNode.Mapping Default(RecipeNode.Mapping recipe, string section, string key, string value)
    {
        var inner = recipe.Entries.FirstOrDefault(entry => entry.Key == section)?.Value as RecipeNode.Mapping ?? new RecipeNode.Mapping(recipe.Where, []);
        return inner.Entries.Any(entry => entry.Key == key) ? recipe : recipe.With(section, inner.With(key, new RecipeNode.Scalar(recipe.Where, value, true)));
    }

    private static RecipeNode Merge(RecipeNode? under, RecipeNode over)
    {
        if (over is not RecipeNode.Mapping section || section.Entries.Any(entry => Identities.Contains(entry.Key)))
        {
            return over;
        }
        return under switch
        {
            RecipeNode.Mapping mapping => Put(mapping, section),
            RecipeNode.Scalar { IsNothing: false } word => Put(new RecipeNode.Mapping(word.Where, [new(word.Where, "name", word)]), section),
            _ => over,
        };
    }
}
