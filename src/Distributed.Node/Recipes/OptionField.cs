using System.Collections.Concurrent;
using System.Reflection;

namespace Distributed.Node.Recipes;

/// <summary>One option of a section: a property of its record.</summary>
internal sealed record OptionField(PropertyInfo Property, string Key, RangeAttribute? Range, IReadOnlyList<string>? Words, bool IsPath)
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<OptionField>> Cache = new();
    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>The options of a section in the order they are declared.</summary>
    public static IReadOnlyList<OptionField> Of(Type section) => Cache.GetOrAdd(section, static type =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.SetMethod is not null)
            .OrderBy(p => p.MetadataToken)
            .Select(p => new OptionField(
                p,
                p.GetCustomAttribute<KeyAttribute>()?.Name ?? OptionText.SnakeCase(p.Name),
                p.GetCustomAttribute<RangeAttribute>(),
                p.GetCustomAttribute<OneOfAttribute>()?.Words,
                p.IsDefined(typeof(PathAttribute)))),
    ]);

    /// <summary>The property's type without the nullable wrapper.</summary>
    public Type ValueType => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>The recipe may say nothing (null) here.</summary>
    public bool MayBeNothing
    {
        get
        {
            if (Property.PropertyType.IsValueType)
            {
                return Nullable.GetUnderlyingType(Property.PropertyType) is not null;
            }
            lock (Nullability)
            {
                return Nullability.Create(Property).WriteState == NullabilityState.Nullable;
            }
        }
    }

    /// <summary>The type is a section with options of its own.</summary>
    public static bool IsSection(Type type) => type.IsAssignableTo(typeof(IOptionSection));

    /// <summary>The item type if this is a list of sections.</summary>
    public Type? SectionItem => Property.PropertyType is { IsGenericType: true } list
        && list.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
        && IsSection(list.GetGenericArguments()[0])
            ? list.GetGenericArguments()[0]
            : null;

    /// <summary>The kind of value, for people.</summary>
    public string Kind => ValueType switch
    {
        var t when t == typeof(int) || t == typeof(long) => "whole number",
        var t when t == typeof(double) => "number",
        var t when t == typeof(bool) => "true or false",
        var t when t == typeof(string) => IsPath ? "path" : Words is null ? "text" : "word",
        var t when t == typeof(IReadOnlyList<double>) => "list of numbers",
        var t when t == typeof(IReadOnlyList<string>) => "list of words",
        var t when t == typeof(IReadOnlyDictionary<string, double>) => "mapping of names to numbers",
        var t when t == typeof(IReadOnlyDictionary<string, string>) => "mapping of names to values",
        _ when SectionItem is not null => "list of sections",
        _ => "section",
    };
}
