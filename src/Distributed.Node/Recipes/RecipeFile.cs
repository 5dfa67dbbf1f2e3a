namespace Distributed.Node.Recipes;

/// <summary>Reads recipes from files, with overrides, and writes them back.</summary>
public static class RecipeFile
{
    /// <summary>Reads a training recipe; every value it leaves open is filled in.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="overrides">In the form <c>key.path=value</c>; later ones win.</param>
    /// <exception cref="RefusedException">The file or an override cannot be used; the message names the line and the mend.</exception>
    public static Recipe ReadTraining(string path, IReadOnlyList<string> overrides) =>
        Training(RecipeSource.ReadFile(path), path, overrides);

    /// <summary>As <see cref="ReadTraining"/>, from a text that stands for the file <paramref name="path"/>.</summary>
    public static Recipe ParseTraining(string yaml, string path, IReadOnlyList<string> overrides) =>
        Training(RecipeSource.Parse(yaml, path), path, overrides);

    /// <summary>Reads a warm-start recipe.</summary>
    /// <exception cref="RefusedException">The file or an override cannot be used; the message names the line and the mend.</exception>
    public static WarmStartRecipe ReadWarmStart(string path, IReadOnlyList<string> overrides) =>
        WarmStart(RecipeSource.ReadFile(path), path, overrides);

    /// <summary>As <see cref="ReadWarmStart"/>, from a text that stands for the file <paramref name="path"/>.</summary>
    public static WarmStartRecipe ParseWarmStart(string yaml, string path, IReadOnlyList<string> overrides) =>
        WarmStart(RecipeSource.Parse(yaml, path), path, overrides);

    /// <summary>The effective recipe as YAML; it reads back the same from any folder.</summary>
    public static string Write(Recipe recipe) => RecipeWriter.Write(recipe);

    /// <summary>The effective recipe as YAML; it reads back the same from any folder.</summary>
    public static string Write(WarmStartRecipe recipe) => RecipeWriter.Write(recipe);

    internal static Recipe Training(RecipeNode.Mapping node, string path, IReadOnlyList<string> overrides)
    {
        var binder = Bind<Recipe>(node, path, overrides, out var recipe);
        TrainingChecks.Check(recipe, binder);
        return TrainingDefaults.Fill(recipe with { Name = Name(recipe.Name, path, binder) });
    }

    private static WarmStartRecipe WarmStart(RecipeNode.Mapping node, string path, IReadOnlyList<string> overrides)
    {
        var binder = Bind<WarmStartRecipe>(node, path, overrides, out var recipe);
        WarmStartChecks.Check(recipe, binder);
        return recipe with { Name = Name(recipe.Name, path, binder), Environment = TrainingDefaults.Fill(recipe.Environment) };
    }

    private static OptionBinder Bind<T>(RecipeNode.Mapping node, string path, IReadOnlyList<string> overrides, out T recipe) where T : class, new()
    {
        var binder = new OptionBinder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        recipe = binder.Bind<T>(overrides.Aggregate(node, RecipeSource.Override));
        return binder;
    }

    // The name becomes a folder's.
    private static string Name(string name, string path, OptionBinder binder)
    {
        name = name.Length > 0 ? name : Path.GetFileNameWithoutExtension(path);
        if (name.Length > 100 || name.StartsWith('.') || !name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw new RefusedException($"{binder.Place("name")}: name '{name}' is no folder name; use at most 100 letters, digits, '-', '_' and '.'");
        }
        return name;
    }
}
