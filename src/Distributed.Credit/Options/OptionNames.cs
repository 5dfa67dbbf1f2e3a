using System.Globalization;
using System.Reflection;
using System.Text;

namespace Distributed.Credit;

/// <summary>
/// Options records by the names recipes use: a parameter <c>NormAdvByStdInGrpo</c> is <c>norm_adv_by_std_in_grpo</c>,
/// an enum value <c>ProbDiff</c> is <c>prob_diff</c> or <c>prob-diff</c>, and <c>None</c> is also <c>null</c>.
/// </summary>
public static class OptionNames
{
    /// <summary>The option names of a record, in the order of its parameters.</summary>
    /// <param name="options">A record whose parameters all have defaults.</param>
    public static IReadOnlyList<string> Of(Type options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return [.. Parameters(options).Select(parameter => SnakeCase(parameter.Name!))];
    }

    /// <summary>Makes a record from values given as text; what is not given keeps its default.</summary>
    /// <param name="owner">What the options belong to; named in messages.</param>
    /// <param name="options">A record whose parameters all have defaults.</param>
    /// <param name="values">Values by option name; the text <c>null</c> is null.</param>
    /// <exception cref="CreditException">An unknown name or a value of the wrong kind.</exception>
    public static object Bind(string owner, Type options, IReadOnlyDictionary<string, string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var parameters = Parameters(options);
        var names = Of(options);
        foreach (var given in values.Keys)
        {
            if (names.Contains(given)) continue;
            throw new CreditException(names.Count == 0
                ? $"{owner}: unknown option '{given}'; it has none"
                : $"{owner}: unknown option '{given}'; it has {string.Join(", ", names)}");
        }

        var arguments = new object?[parameters.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            arguments[i] = values.TryGetValue(names[i], out var text)
                ? Parse(owner, names[i], text, parameters[i].ParameterType)
                : Default(parameters[i]);
        }

        return options.GetConstructors()[0].Invoke(arguments);
    }

    private static ParameterInfo[] Parameters(Type options) => options.GetConstructors()[0].GetParameters();

    private static object? Default(ParameterInfo parameter) =>
        parameter.DefaultValue is { } value && parameter.ParameterType.IsEnum
            ? Enum.ToObject(parameter.ParameterType, value)
            : parameter.DefaultValue;

    private static object? Parse(string owner, string name, string text, Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner) return text == "null" ? null : Parse(owner, name, text, inner);
        if (type == typeof(bool)) return bool.TryParse(text, out var flag) ? flag : throw Refuse("true or false");
        var culture = CultureInfo.InvariantCulture;
        if (type == typeof(double)) return double.TryParse(text, NumberStyles.Float, culture, out var number) ? number : throw Refuse("a number");
        if (type == typeof(int)) return int.TryParse(text, NumberStyles.Integer, culture, out var whole) ? whole : throw Refuse("a whole number");
        if (!type.IsEnum) throw new ArgumentException($"options of type {type} cannot be given as text", nameof(type));
        foreach (var value in Enum.GetValuesAsUnderlyingType(type))
        {
            var candidate = Enum.ToObject(type, value);
            var spelling = SnakeCase(candidate.ToString()!);
            if (spelling == text.Replace('-', '_') || (spelling == "none" && text == "null")) return candidate;
        }

        throw Refuse("one of " + string.Join(", ", Enum.GetNames(type).Select(SnakeCase)));

        CreditException Refuse(string what) => new($"{owner}: {name} is '{text}'; it must be {what}");
    }

    private static string SnakeCase(string name)
    {
        var text = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i])) text.Append('_');
            text.Append(char.ToLowerInvariant(name[i]));
        }

        return text.ToString();
    }
}
