using System.Globalization;
using System.Reflection;

namespace Distributed.Node.Recipes;

/// <summary>The options of a recipe's environment in the form environments take them: text by name.</summary>
public static class EnvironmentOptions
{
    /// <summary>What the environment is given; for one of one's own that is <c>environment.options</c> as written.</summary>
    /// <param name="environment">The section.</param>
    /// <param name="rollout">Limits of an episode that a recipe may set too.</param>
    public static IReadOnlyDictionary<string, string> Of(EnvironmentSection environment, RolloutSection rollout)
    {
        if (environment.Assembly is not null)
        {
            return environment.Options ?? new Dictionary<string, string>();
        }
        var options = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in OptionField.Of(typeof(EnvironmentSection)))
        {
            if (field.Property.IsDefined(typeof(AppliesToAttribute)) && field.Property.GetValue(environment) is { } value)
            {
                options[field.Key] = Text(value);
            }
        }
        Add("max_turns", rollout.MaxTurns);
        Add("max_turn_tokens", rollout.MaxTurnTokens);
        Add("tool_time_limit_ms", rollout.ToolTimeLimitS is { } seconds ? (long)Math.Ceiling(seconds * 1000) : null);
        return options;

        void Add(string key, object? value)
        {
            if (value is not null)
            {
                options[key] = Text(value);
            }
        }
    }

    /// <summary>The recipe's option that became an environment's option.</summary>
    internal static string RecipePath(string key) => key switch
    {
        "max_turns" or "max_turn_tokens" => $"rollout.{key}",
        "tool_time_limit_ms" => "rollout.tool_time_limit_s",
        _ => $"environment.{key}",
    };

    private static string Text(object value) => value switch
    {
        bool b => b ? "true" : "false",
        double d => OptionText.Number(d),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
