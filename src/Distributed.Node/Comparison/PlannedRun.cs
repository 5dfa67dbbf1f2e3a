using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;

namespace Distributed.Node.Comparison;

/// <summary>One run of a comparison.</summary>
/// <param name="Task">Its task's name.</param>
/// <param name="Method">Its method's name.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="Recipe">Its effective recipe.</param>
/// <param name="Hash">SHA-256 of that recipe, hexadecimal, with the model by its content: equal for equal runs on any machine.</param>
internal sealed record PlannedRun(string Task, string Method, long Seed, Recipe Recipe, string Hash)
{
    private static readonly string[] Threads = ["rollout_threads", "scorer_threads", "learner_threads"];

    /// <summary>For people: <c>grpo, level-1, seed 2</c>.</summary>
    public string Title => string.Create(CultureInfo.InvariantCulture, $"{Method}{(Task == ComparisonFile.OnlyTask ? "" : $", {Task}")}, seed {Seed}");

    /// <summary>
    /// Its run folder below the comparison's; another recipe has another folder. One begun by an earlier version of the program is recognised too: its
    /// own recipe, read by this one, must be this run's.
    /// </summary>
    public string FolderBelow(string output)
    {
        var method = Path.Combine(output, "runs", Task, Method);
        var own = Path.Combine(method, string.Create(CultureInfo.InvariantCulture, $"seed-{Seed}-{Hash[..8]}"));
        if (Directory.Exists(own) || !Directory.Exists(method)) return own;
        return Directory.EnumerateDirectories(method, string.Create(CultureInfo.InvariantCulture, $"seed-{Seed}-*"))
            .Order(StringComparer.Ordinal).FirstOrDefault(folder => HashIn(folder) == Hash, own);
    }

    /// <summary>The hash of the run in a folder, by its own recipe; null if it has none that can be read.</summary>
    public static string? HashIn(string folder)
    {
        try
        {
            return HashOf(RecipeFile.ReadTraining(RunFolder.RecipeOf(folder), []), []);
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    /// <summary>Every run of a file, seed by seed, so that what is finished early can be compared early.</summary>
    /// <remarks>A role computes on one thread unless the file says otherwise: several runs share the machine, and results do not depend on how many.</remarks>
    /// <exception cref="RefusedException">A recipe cannot be used.</exception>
    public static IReadOnlyList<PlannedRun> Plan(ComparisonFile file)
    {
        var models = new Dictionary<string, string>(StringComparer.Ordinal);
        return [.. from seed in file.Seeds from task in file.Tasks from method in file.Methods select Plan(file, task, method, seed, models)];
    }

    private static PlannedRun Plan(ComparisonFile file, Variant task, Variant method, long seed, Dictionary<string, string> models)
    {
        var node = RecipeOverlay.Put(RecipeOverlay.Put(file.Base, task.Overlay), method.Overlay);
        node = Threads.Aggregate(node, (recipe, key) => RecipeOverlay.Default(recipe, "cluster", key, "1"));
        node = node.With("seed", new RecipeNode.Scalar(node.Where, seed.ToString(CultureInfo.InvariantCulture), true));
        var recipe = RecipeFile.Training(node, file.BasePath, []) with { Name = file.Name };
        return new PlannedRun(task.Name, method.Name, seed, recipe, HashOf(recipe, models));
    }

    private static string HashOf(Recipe recipe, Dictionary<string, string> models)
    {
        if (recipe.Model.Path is { } path)
        {
            if (!models.TryGetValue(path, out var content)) models[path] = content = ContentOf(path);
            recipe = recipe with { Model = new ModelSection { Path = content } };
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(RecipeFile.Write(recipe with { Name = "" }))));
    }

    private static string ContentOf(string model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            foreach (var file in Directory.EnumerateFiles(model).Order(StringComparer.Ordinal)) hash.AppendData(File.ReadAllBytes(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{model}: the model cannot be read ({e.Message.TrimEnd('.')}); check model.path", e);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
