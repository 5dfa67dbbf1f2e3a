using System.Globalization;
using System.Reflection;
using Distributed.Credit;

namespace Distributed.Node.Recipes;

/// <summary>A recipe's words as the options of the credit library, which names them the same.</summary>
internal static class CreditOptions
{
    /// <summary>The estimator of a recipe, behind its shapers.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public static IAdvantageEstimator Estimator(AlgorithmSection algorithm)
    {
        var estimator = AdvantageEstimators.Create(algorithm.Name, Written(algorithm, algorithm.Name));
        return algorithm.Shapers.Count == 0 ? estimator : new ShapedEstimator(estimator, [.. algorithm.Shapers.Select(Shaper)]);
    }

    /// <summary>A shaper of a recipe.</summary>
    /// <exception cref="CreditException">An option is out of its range.</exception>
    public static IRewardShaper Shaper(ShaperSection shaper) => RewardShapers.Create(shaper.Name, Written(shaper, shaper.Name));

    /// <summary>Whether the method looks at the tool turns' gains.</summary>
    public static bool UsesGains(AlgorithmSection algorithm) => AdvantageEstimators.Find(algorithm.Name).UsesGains || algorithm.UseGains == true;

    /// <summary>Whether gains have to be scored: the method uses them, and nothing learned takes their place.</summary>
    public static bool NeedsScores(AlgorithmSection algorithm) => UsesGains(algorithm) && algorithm.Progress is null;

    /// <summary>Whether the likeness of programs is rewarded.</summary>
    public static bool ReadsPrograms(AlgorithmSection algorithm) => algorithm.Name == "gtpo" || algorithm.Shapers.Any(shaper => shaper.Name == "code-similarity");

    /// <summary>The section with the library's default wherever an option of this method was left out.</summary>
    public static AlgorithmSection Fill(AlgorithmSection algorithm) => (AlgorithmSection)Fill(
        algorithm with { Shapers = algorithm.Shapers.Count == 0 ? [] : [.. algorithm.Shapers.Select(Fill)] }, algorithm.Name, AdvantageEstimators.Find(algorithm.Name).Options);

    private static ShaperSection Fill(ShaperSection shaper) =>
        (ShaperSection)Fill(shaper with { }, shaper.Name, RewardShapers.All.First(entry => entry.Name == shaper.Name).Options);

    private static IOptionSection Fill(IOptionSection section, string name, Type options)
    {
        var defaults = OptionNames.Bind(name, options, new Dictionary<string, string>());
        foreach (var field in Fields(section, name))
        {
            if (field.Property.GetValue(section) is null) field.Property.SetValue(section, Value(options.GetProperty(field.Property.Name)!.GetValue(defaults)));
        }

        return section;
    }

    private static object? Value(object? option) => option is Enum word ? OptionText.SnakeCase(word.ToString()) : option;

    private static Dictionary<string, string> Written(IOptionSection section, string name) => Fields(section, name)
        .Where(field => field.Property.GetValue(section) is not null)
        .ToDictionary(field => field.Key, field => Text(field.Property.GetValue(section)!), StringComparer.Ordinal);

    private static IEnumerable<OptionField> Fields(IOptionSection section, string name) => OptionField.Of(section.GetType())
        .Where(field => field.Property.GetCustomAttribute<AppliesToAttribute>() is { } applies && applies.Names.Contains(name));

    private static string Text(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        double number => OptionText.Number(number),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
