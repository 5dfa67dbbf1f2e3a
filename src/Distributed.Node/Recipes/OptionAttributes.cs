namespace Distributed.Node.Recipes;

/// <summary>The key of an option where it is not simply the property's name in snake_case.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KeyAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>The smallest and largest number an option takes; lists are checked item by item.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RangeAttribute(double min, double max = double.PositiveInfinity) : Attribute
{
    public double Min { get; } = min;

    public double Max { get; } = max;

    /// <summary>The smallest number itself is refused.</summary>
    public bool AboveMin { get; init; }

    /// <summary>The largest number itself is refused.</summary>
    public bool BelowMax { get; init; }

    public bool Contains(double value) =>
        (AboveMin ? value > Min : value >= Min) && (BelowMax ? value < Max : value <= Max) && double.IsFinite(value);

    public override string ToString() => double.IsPositiveInfinity(Max)
        ? $"{(AboveMin ? "more than" : "at least")} {OptionText.Number(Min)}"
        : $"{(AboveMin ? "above" : "from")} {OptionText.Number(Min)} {(BelowMax ? "to below" : "to")} {OptionText.Number(Max)}";
}

/// <summary>The words a text option takes.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneOfAttribute(params string[] words) : Attribute
{
    public IReadOnlyList<string> Words { get; } = words;
}

/// <summary>A file or folder; a relative one is taken from the recipe's own folder.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PathAttribute : Attribute;

/// <summary>The option belongs to these algorithms (or environments) only.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AppliesToAttribute(params string[] names) : Attribute
{
    public IReadOnlyList<string> Names { get; } = names;
}

/// <summary>What an option is if the recipe does not say, where that is not one value.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DefaultIsAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}

/// <summary>A single word in the section's place sets this key: <c>algorithm: grpo</c>.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ShorthandAttribute(string key) : Attribute
{
    public string Key { get; } = key;
}
