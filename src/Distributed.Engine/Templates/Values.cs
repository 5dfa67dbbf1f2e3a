using System.Collections.ObjectModel;

namespace Distributed.Engine.Templates;

// The values of a template are those of Python: null is None; then bool, BigInteger, double, string, object?[] for lists, TemplateMap,
// and the types of this file. Lists and maps are never changed once made.

/// <summary>What a name, key or index that is not there gives: falsy, empty when printed, an error when used further.</summary>
/// <param name="Why">Says what is missing.</param>
internal sealed record Undefined(string Why);

/// <summary>A dict with string keys, in order of insertion.</summary>
internal sealed class TemplateMap
{
    public static TemplateMap Empty { get; } = new();

    private readonly OrderedDictionary<string, object?> _members = new(StringComparer.Ordinal);

    public int Count => _members.Count;

    public IEnumerable<string> Keys => _members.Keys;

    public IEnumerable<KeyValuePair<string, object?>> Members => _members;

    /// <summary>Only while the map is made.</summary>
    public void Set(string key, object? value) => _members[key] = value;

    public bool TryGet(string key, out object? value) => _members.TryGetValue(key, out value);
}

/// <summary>namespace(): the one value whose attributes can be set.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);
}

/// <summary>A method of a value, not called yet.</summary>
internal sealed record BoundMethod(object Target, string Name);

/// <summary>A global function.</summary>
internal sealed record GlobalFunction(string Name)
{
    public static ReadOnlyDictionary<string, GlobalFunction> All { get; } =
        new[] { "namespace", "range", "dict", "raise_exception" }.ToDictionary(name => name, name => new GlobalFunction(name)).AsReadOnly();
}

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class LoopState(object?[] items, int depth, Func<object?, object?, bool> equals)
{
    private object? _last;
    private bool _hasLast;

    public int Index { get; set; }

    public object? Attribute(string name) => name switch
    {
        "index" => Whole(Index + 1),
        "index0" => Whole(Index),
        "revindex" => Whole(items.Length - Index),
        "revindex0" => Whole(items.Length - Index - 1),
        "first" => Index == 0,
        "last" => Index == items.Length - 1,
        "length" => Whole(items.Length),
        "depth" => Whole(depth),
        "depth0" => Whole(depth - 1),
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("there is no previous item"),
        "nextitem" => Index + 1 < items.Length ? items[Index + 1] : new Undefined("there is no next item"),
        "cycle" or "changed" => new BoundMethod(this, name),
        _ => new Undefined($"loop has no attribute '{name}'"),
    };

    /// <summary>True if the value differs from that of the last call.</summary>
    public bool Changed(object? value)
    {
        var changed = !_hasLast || !equals(_last, value);
        (_last, _hasLast) = (value, true);
        return changed;
    }

    private static object Whole(int value) => new System.Numerics.BigInteger(value);
}

/// <summary>The values of a call, by position and by name.</summary>
internal sealed record Arguments(object?[] Positional, IReadOnlyList<KeyValuePair<string, object?>> Named)
{
    public static Arguments None { get; } = new([], []);

    public int Count => Positional.Length + Named.Count;

    /// <summary>The argument at a position or of a name; false if it is not given.</summary>
    public bool TryGet(int position, string name, out object? value)
    {
        if (position < Positional.Length)
        {
            value = Positional[position];
            return true;
        }

        foreach (var (key, given) in Named)
        {
            if (key == name)
            {
                value = given;
                return true;
            }
        }

        value = null;
        return false;
    }
}
