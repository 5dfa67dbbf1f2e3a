using System.Globalization;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;

namespace Distributed.Node.Comparison;

/// <summary>Part of a recipe under a name: a method or a task that runs are compared by.</summary>
/// <param name="Name">Its name in tables and folders.</param>
/// <param name="Overlay">Keys of a recipe that it sets.</param>
internal sealed record Variant(string Name, RecipeNode.Mapping Overlay);

/// <summary>A comparison file: methods x tasks x seeds over one base recipe.</summary>
/// <param name="Name">Its name; that of the output folder unless another is given.</param>
/// <param name="BasePath">The recipe every run begins with.</param>
/// <param name="Base">That recipe with the comparison's own changes for all runs.</param>
/// <param name="Methods">What is compared, in the file's order.</param>
/// <param name="Tasks">On what, in the file's order.</param>
/// <param name="Seeds">Seeds every method runs every task with.</param>
/// <param name="Reference">The method others are tested against.</param>
/// <param name="Source">The file as it was written.</param>
internal sealed record ComparisonFile(
    string Name,
    string BasePath,
    RecipeNode.Mapping Base,
    IReadOnlyList<Variant> Methods,
    IReadOnlyList<Variant> Tasks,
    IReadOnlyList<long> Seeds,
    string Reference,
    string Source)
{
    /// <summary>Name of the only task of a file that names none.</summary>
    public const string OnlyTask = "base";

    private const int MostVariants = 100;
    private const int MostSeeds = 1000;
    private static readonly string[] Keys = ["name", "base", "recipe", "methods", "tasks", "seeds", "reference"];

    /// <summary>Reads a file.</summary>
    /// <exception cref="RefusedException">It cannot be read or used; the message names the line and the mend.</exception>
    public static ComparisonFile Read(string path) => Parse(RecipeSource.ReadFile(path), path, Disk.Guard(path, () => File.ReadAllText(path), "read"));

    /// <summary>Reads a text that stands for the file <paramref name="path"/>.</summary>
    public static ComparisonFile Parse(string yaml, string path) => Parse(RecipeSource.Parse(yaml, path), path, yaml);

    private static ComparisonFile Parse(RecipeNode.Mapping root, string path, string source)
    {
        foreach (var entry in root.Entries.Where(entry => !Keys.Contains(entry.Key)))
        {
            var mend = OptionText.Nearest(entry.Key, Keys) is { } near ? $"did you mean {near}?" : $"known here: {string.Join(", ", Keys)}; keys of a recipe belong below recipe, methods or tasks";
            throw new RefusedException($"{entry.Where}: a comparison has no {entry.Key}; {mend}");
        }
        if (Find(root, "base") is not RecipeNode.Scalar { IsNothing: false } basis)
        {
            throw new RefusedException($"{root.Where}: base is missing; name the recipe all runs begin with, for example base: search-qa.yaml");
        }
        var basePath = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, basis.Text);
        var recipe = RecipeSource.ReadFile(basePath);
        if (Find(root, "recipe") is { } common)
        {
            recipe = RecipeOverlay.Put(recipe, Mapping(common, "recipe"));
        }
        var methods = Variants(root, "methods");
        if (methods.Count == 0)
        {
            throw new RefusedException($"{root.Where}: methods is missing; name at least one, for example methods: {{grpo: {{algorithm: grpo}}}}");
        }
        var tasks = Variants(root, "tasks");
        return new ComparisonFile(
            NameOf(root, path),
            basePath,
            recipe,
            methods,
            tasks.Count > 0 ? tasks : [new Variant(OnlyTask, new RecipeNode.Mapping(root.Where, []))],
            Find(root, "seeds") is { } seeds ? SeedList(seeds) : [1],
            ReferenceName(root, methods),
            source);
    }

    private static string NameOf(RecipeNode.Mapping root, string path)
    {
        var node = Find(root, "name");
        var name = node is RecipeNode.Scalar { IsNothing: false } given ? given.Text : Path.GetFileNameWithoutExtension(path);
        return IsFolderName(name) ? name : throw new RefusedException($"{(node ?? root).Where}: name '{name}' is no folder name; use at most 60 letters, digits, '-', '_' and '.'");
    }

    private static string ReferenceName(RecipeNode.Mapping root, IReadOnlyList<Variant> methods)
    {
        if (Find(root, "reference") is not RecipeNode.Scalar { IsNothing: false } reference)
        {
            return methods[0].Name;
        }
        return methods.Any(method => method.Name == reference.Text)
            ? reference.Text
            : throw new RefusedException($"{reference.Where}: reference '{reference.Text}' is none of the methods; known: {string.Join(", ", methods.Select(method => method.Name))}");
    }

    private static List<Variant> Variants(RecipeNode.Mapping root, string key)
    {
        if (Find(root, key) is not { } node)
        {
            return [];
        }
        var variants = new List<Variant>();
        foreach (var entry in Mapping(node, key).Entries)
        {
            if (!IsFolderName(entry.Key))
            {
                throw new RefusedException($"{entry.Where}: {key} '{entry.Key}' is no folder name; use at most 60 letters, digits, '-', '_', '+' and '.'");
            }
            variants.Add(new Variant(entry.Key, entry.Value is RecipeNode.Scalar { IsNothing: true } ? new RecipeNode.Mapping(entry.Where, []) : Mapping(entry.Value, $"{key}.{entry.Key}")));
        }
        return variants.Count <= MostVariants ? variants : throw new RefusedException($"{node.Where}: {key} names {variants.Count}; at most {MostVariants} can be compared");
    }

    private static long[] SeedList(RecipeNode node)
    {
        var seeds = new List<long>();
        foreach (var item in node is RecipeNode.Sequence list ? list.Items : [])
        {
            if (item is RecipeNode.Scalar { Plain: true } scalar && long.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) && seed <= 1L << 53 && !seeds.Contains(seed))
            {
                seeds.Add(seed);
                continue;
            }
            throw new RefusedException($"{item.Where}: seeds must be whole numbers from 0, each once");
        }
        return seeds.Count is > 0 and <= MostSeeds ? [.. seeds] : throw new RefusedException($"{node.Where}: seeds must be a list of 1 to {MostSeeds} whole numbers, for example [1, 2, 3]");
    }

    private static RecipeNode.Mapping Mapping(RecipeNode node, string what) =>
        node as RecipeNode.Mapping ?? throw new RefusedException($"{node.Where}: {what} must hold keys of a recipe, such as {{algorithm: grpo}}");

    private static RecipeNode? Find(RecipeNode.Mapping root, string key) => root.Entries.FirstOrDefault(entry => entry.Key == key)?.Value;

    private static bool IsFolderName(string name) =>
        name.Length is > 0 and <= 60 && !name.StartsWith('.') && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+');
}
