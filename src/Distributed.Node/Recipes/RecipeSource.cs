using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Distributed.Node.Recipes;

/// <summary>Turns YAML text and <c>--set</c> overrides into nodes that know where they come from.</summary>
internal static class RecipeSource
{
    private const int MaxBytes = 1 << 20;
    private const int MaxDepth = 16;

    /// <summary>Reads a file.</summary>
    /// <exception cref="RefusedException">The file is missing, too long, unreadable or no YAML mapping.</exception>
    public static RecipeNode.Mapping ReadFile(string path)
    {
        string text;
        try
        {
            var file = new FileInfo(path);
            if (Directory.Exists(path))
            {
                throw new RefusedException($"{path}: is a folder; name a recipe file");
            }
            if (file.Exists && file.Length > MaxBytes)
            {
                throw new RefusedException($"{path}: {file.Length} bytes are no recipe; name a YAML file of at most {MaxBytes} bytes");
            }
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RefusedException($"{path}: there is no such file; give the path of a recipe (see recipes/)", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{path}: cannot be read ({e.Message}); make it readable", e);
        }
        return Parse(text, path);
    }

    /// <summary>Parses a text; <paramref name="name"/> stands for it in messages.</summary>
    /// <exception cref="RefusedException">The text is no YAML mapping.</exception>
    public static RecipeNode.Mapping Parse(string text, string name)
    {
        var stream = new YamlStream();
        try
        {
            // A few aliases can stand for millions of values; recipes do without.
            var events = new Parser(new StringReader(text));
            while (events.MoveNext())
            {
                if (events.Current is AnchorAlias alias)
                {
                    throw new RefusedException($"{name}:{alias.Start.Line}: YAML aliases (*{alias.Value}) are not used in recipes; write the value out");
                }
            }
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new RefusedException($"{name}:{e.Start.Line}: {Plain(e)}; mend the YAML there", e);
        }
        if (stream.Documents.Count != 1 || stream.Documents[0].RootNode is not YamlMappingNode root)
        {
            throw new RefusedException($"{name}:1: a recipe is one YAML mapping of keys to values; see recipes/search-qa.yaml");
        }
        return (RecipeNode.Mapping)Convert(root, node => $"{name}:{node.Start.Line}", 0);
    }

    /// <summary>Puts <c>key.path=value</c> into a recipe. The value is read as YAML, so <c>betas=[0.9, 0.99]</c> works.</summary>
    /// <exception cref="RefusedException">The override is not of the form <c>key=value</c>.</exception>
    public static RecipeNode.Mapping Override(RecipeNode.Mapping root, string assignment)
    {
        var where = $"--set {assignment}";
        var split = assignment.IndexOf('=', StringComparison.Ordinal);
        var keys = split < 0 ? [] : assignment[..split].Trim().Split('.');
        if (keys.Length == 0 || keys.Any(string.IsNullOrWhiteSpace) || keys.Length > MaxDepth)
        {
            throw new RefusedException($"{where}: is not of the form key.path=value; for example --set optimizer.lr=1e-4");
        }
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(assignment[(split + 1)..]));
        }
        catch (YamlException e)
        {
            throw new RefusedException($"{where}: {Plain(e)}; quote the value", e);
        }
        var value = stream.Documents.Count == 0
            ? new RecipeNode.Scalar(where, "", true)
            : Convert(stream.Documents[0].RootNode, _ => where, 0);
        return Put(root, keys, value);
    }

    private static RecipeNode.Mapping Put(RecipeNode.Mapping mapping, ReadOnlySpan<string> keys, RecipeNode value)
    {
        if (keys.Length == 1)
        {
            return mapping.With(keys[0], value);
        }
        var key = keys[0];
        var inner = mapping.Entries.FirstOrDefault(e => e.Key == key)?.Value switch
        {
            RecipeNode.Mapping m => m,
            // `algorithm: grpo` is short for `algorithm: {name: grpo}`; adding an option keeps the name.
            RecipeNode.Scalar { IsNothing: false } s => new RecipeNode.Mapping(s.Where, [new(s.Where, "name", s)]),
            _ => new RecipeNode.Mapping(value.Where, []),
        };
        return mapping.With(key, Put(inner, keys[1..], value));
    }

    private static RecipeNode Convert(YamlNode node, Func<YamlNode, string> where, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new RefusedException($"{where(node)}: nested more than {MaxDepth} deep; flatten it");
        }
        switch (node)
        {
            case YamlScalarNode scalar:
                return new RecipeNode.Scalar(where(node), scalar.Value ?? "", scalar.Style is ScalarStyle.Plain or ScalarStyle.Any);
            case YamlSequenceNode sequence:
                return new RecipeNode.Sequence(where(node), [.. sequence.Children.Select(child => Convert(child, where, depth + 1))]);
            case YamlMappingNode mapping:
                var entries = ImmutableArray.CreateBuilder<RecipeNode.Entry>();
                foreach (var (key, value) in mapping.Children)
                {
                    if (key is not YamlScalarNode { Value: { } name })
                    {
                        throw new RefusedException($"{where(key)}: a key must be a plain word; mend the YAML there");
                    }
                    entries.Add(new(where(key), name, Convert(value, where, depth + 1)));
                }
                return new RecipeNode.Mapping(where(node), entries.ToImmutable());
            default:
                throw new RefusedException($"{where(node)}: is neither a value, a list nor a mapping; mend the YAML there");
        }
    }

    private static string Plain(YamlException e) =>
        (e.InnerException?.Message ?? e.Message).ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
