using System.Globalization;
using System.Reflection;

namespace Distributed.Node.Recipes;

/// <summary>Reads nodes into option records and remembers where each option was written.</summary>
/// <param name="folder">The folder relative paths are taken from.</param>
internal sealed class OptionBinder(string folder)
{
    private readonly Dictionary<string, string> places = new(StringComparer.Ordinal);
    private Type root = typeof(Recipe);

    /// <summary>Where the option at a dotted path was written; its section's place, or the file's, if it was not.</summary>
    public string Place(string path)
    {
        while (!places.ContainsKey(path) && path.Length > 0)
        {
            path = path.LastIndexOf('.') is var dot and >= 0 ? path[..dot] : "";
        }
        return places[path];
    }

    /// <summary>The option was written in the recipe or in an override.</summary>
    public bool IsWritten(string path) => places.ContainsKey(path);

    /// <summary>Reads a whole recipe.</summary>
    /// <exception cref="RefusedException">A key is not known or a value is not of its kind or range.</exception>
    public T Bind<T>(RecipeNode.Mapping node) where T : class, new()
    {
        root = typeof(T);
        places.Clear();
        places[""] = node.Where;
        return (T)BindSection(typeof(T), node, "");
    }

    private object BindSection(Type type, RecipeNode node, string path)
    {
        if (node is RecipeNode.Scalar word && type.GetCustomAttribute<ShorthandAttribute>() is { } shorthand && !word.IsNothing)
        {
            node = new RecipeNode.Mapping(node.Where, [new(node.Where, shorthand.Key, node)]);
        }
        var section = Activator.CreateInstance(type)!;
        if (node is RecipeNode.Scalar { IsNothing: true })
        {
            return section; // `optimizer:` with nothing below it
        }
        if (node is not RecipeNode.Mapping mapping)
        {
            throw new RefusedException($"{node.Where}: {path} is a section of options, not {Describe(node)}; indent its options below it");
        }
        var fields = OptionField.Of(type);
        foreach (var entry in mapping.Entries)
        {
            var field = fields.FirstOrDefault(f => f.Key == entry.Key) ?? throw Unknown(entry, fields, path);
            var fieldPath = Join(path, field.Key);
            places[fieldPath] = entry.Where;
            field.Property.SetValue(section, Value(field, entry.Value, fieldPath));
        }
        return section;
    }

    private RefusedException Unknown(RecipeNode.Entry entry, IReadOnlyList<OptionField> fields, string path)
    {
        var name = Join(path, entry.Key);
        var elsewhere = OptionReference.Paths(root).FirstOrDefault(p => p.EndsWith("." + entry.Key, StringComparison.Ordinal) || p == entry.Key);
        var mend = OptionText.Nearest(entry.Key, fields.Select(f => f.Key)) is { } near
            ? $"did you mean {Join(path, near)}?"
            : elsewhere is not null ? $"did you mean {elsewhere}?"
            : $"known here: {string.Join(", ", fields.Select(f => f.Key))}";
        return new RefusedException($"{entry.Where}: there is no option {name}; {mend}");
    }

    private object? Value(OptionField field, RecipeNode node, string path)
    {
        if (node is RecipeNode.Scalar { IsNothing: true } && !OptionField.IsSection(field.ValueType))
        {
            return field.MayBeNothing ? null : throw Wrong(field, node, path);
        }
        var type = field.ValueType;
        if (OptionField.IsSection(type))
        {
            return node is RecipeNode.Scalar { IsNothing: true } && field.MayBeNothing ? null : BindSection(type, node, path);
        }
        if (field.SectionItem is { } item)
        {
            return Sections(item, node, path);
        }
        if (type == typeof(IReadOnlyList<double>))
        {
            return node is RecipeNode.Sequence list
                ? list.Items.Select(n => Number(field, n, path)).ToArray()
                : throw Wrong(field, node, path);
        }
        if (type == typeof(IReadOnlyList<string>))
        {
            return node is RecipeNode.Sequence { Items.Length: > 0 } list
                ? list.Items.Select(n => n is RecipeNode.Scalar { IsNothing: false } word && field.Words?.Contains(word.Text) != false ? word.Text : throw Wrong(field, n, path)).ToArray()
                : throw Wrong(field, node, path);
        }
        if (type == typeof(IReadOnlyDictionary<string, double>))
        {
            return Entries(field, node, path).ToDictionary(e => e.Key, e => Number(field, e.Value, Join(path, e.Key)), StringComparer.Ordinal);
        }
        if (type == typeof(IReadOnlyDictionary<string, string>))
        {
            return Entries(field, node, path).ToDictionary(
                e => e.Key,
                e => e.Value is RecipeNode.Scalar s ? s.Text : throw new RefusedException($"{e.Where}: {Join(path, e.Key)} is {Describe(e.Value)}; write a single value"),
                StringComparer.Ordinal);
        }
        return Single(field, type, node, path);
    }

    private object Single(OptionField field, Type type, RecipeNode node, string path)
    {
        if (node is not RecipeNode.Scalar scalar)
        {
            throw Wrong(field, node, path);
        }
        if (type == typeof(string))
        {
            if (field.Words is { } words && !words.Contains(scalar.Text))
            {
                var near = OptionText.Nearest(scalar.Text, words) is { } word ? $"did you mean {word}? " : "";
                throw new RefusedException($"{node.Where}: {path} cannot be '{scalar.Text}'; {near}known: {string.Join(", ", words)}");
            }
            return field.IsPath ? Path.GetFullPath(Path.Combine(folder, scalar.Text)) : scalar.Text;
        }
        if (type == typeof(bool))
        {
            return scalar is { Plain: true, Text: "true" or "false" } ? scalar.Text == "true" : throw Wrong(field, node, path);
        }
        var number = Number(field, node, path);
        if (type == typeof(double))
        {
            return number;
        }
        if (number != Math.Floor(number) || Math.Abs(number) > (type == typeof(int) ? int.MaxValue : 1L << 53))
        {
            throw Wrong(field, node, path);
        }
        return type == typeof(int) ? (int)number : (object)(long)number;
    }

    private static double Number(OptionField field, RecipeNode node, string path)
    {
        if (node is not RecipeNode.Scalar { Plain: true } scalar
            || !double.TryParse(scalar.Text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            throw Wrong(field, node, path);
        }
        if (field.Range is { } range ? !range.Contains(number) : !double.IsFinite(number))
        {
            throw new RefusedException($"{node.Where}: {path} cannot be {scalar.Text}; give a number {field.Range?.ToString() ?? "that is finite"}");
        }
        return number;
    }

    private object Sections(Type item, RecipeNode node, string path)
    {
        if (node is not RecipeNode.Sequence list)
        {
            throw new RefusedException($"{node.Where}: {path} is a list, not {Describe(node)}; begin each item with '- '");
        }
        var items = Array.CreateInstance(item, list.Items.Length);
        for (var i = 0; i < items.Length; i++)
        {
            var itemPath = string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]");
            places[itemPath] = list.Items[i].Where;
            items.SetValue(BindSection(item, list.Items[i], itemPath), i);
        }
        return items;
    }

    private IEnumerable<RecipeNode.Entry> Entries(OptionField field, RecipeNode node, string path)
    {
        if (node is not RecipeNode.Mapping mapping)
        {
            throw Wrong(field, node, path);
        }
        foreach (var entry in mapping.Entries)
        {
            places[Join(path, entry.Key)] = entry.Where;
        }
        return mapping.Entries;
    }

    private static RefusedException Wrong(OptionField field, RecipeNode node, string path) =>
        new($"{node.Where}: {path} is {Describe(node)}; give a {field.Kind}{(field.Range is null ? "" : $", {field.Range}")}");

    private static string Describe(RecipeNode node) => node switch
    {
        RecipeNode.Scalar { IsNothing: true } => "empty",
        RecipeNode.Scalar s => $"'{(s.Text.Length > 40 ? s.Text[..40] + "..." : s.Text)}'{(s.Plain ? "" : " (quoted text)")}",
        RecipeNode.Sequence => "a list",
        _ => "a mapping",
    };

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
