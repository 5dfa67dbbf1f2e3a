using System.Globalization;

namespace Distributed.Environments;

/// <summary>
/// Reads an environment's options, as a recipe's mapping gives them. Every mistake is an <see cref="EnvironmentSetupException"/> that names the option
/// and what it may be; so is, in the end, an option nobody asked for.
/// </summary>
public sealed class OptionReader(IReadOnlyDictionary<string, string> options)
{
    private readonly SortedSet<string> asked = new(StringComparer.Ordinal);

    /// <summary>A text, or the default if the option is absent.</summary>
    public string Text(string key, string absent) => Raw(key) ?? absent;

    /// <summary>A text that must be there and not be empty.</summary>
    public string Required(string key, string what) => Raw(key) is { Length: > 0 } text
        ? text
        : throw new EnvironmentSetupException($"environment option {key} is missing: give {what}");

    /// <summary>A whole number within bounds.</summary>
    public int Whole(string key, int absent, int least, int most) => Raw(key) is not { } text ? absent
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
        : throw Wrong(key, text, $"a whole number from {least} to {most}");

    /// <summary>A seed.</summary>
    public ulong Seed(string key, ulong absent) => Raw(key) is not { } text ? absent
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
        : throw Wrong(key, text, "a whole number, 0 or more");

    /// <summary>A finite number within bounds.</summary>
    public double Number(string key, double absent, double least, double most) => Raw(key) is not { } text ? absent
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
        : throw Wrong(key, text, string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"));

    /// <summary>true or false.</summary>
    public bool Flag(string key, bool absent) => Raw(key) is not { } text ? absent
        : bool.TryParse(text, out var value) ? value
        : throw Wrong(key, text, "true or false");

    /// <summary>One of several words.</summary>
    public T Choice<T>(string key, T absent, params ReadOnlySpan<(string Word, T Value)> choices)
    {
        if (Raw(key) is not { } text)
            return absent;
        foreach (var (word, value) in choices)
        {
            if (word == text)
                return value;
        }

        var words = new List<string>();
        foreach (var (word, _) in choices)
            words.Add(word);
        throw Wrong(key, text, string.Join(" or ", words));
    }

    /// <summary>Shares such as 20/30/50: one to <paramref name="most"/> numbers, none negative, not all 0.</summary>
    public IReadOnlyList<double> Shares(string key, IReadOnlyList<double> absent, int most)
    {
        if (Raw(key) is not { } text)
            return absent;
        var parts = text.Split('/', StringSplitOptions.TrimEntries);
        var shares = new List<double>();
        foreach (var part in parts)
        {
            if (double.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share))
                shares.Add(share);
        }

        return shares.Count == parts.Length && shares.Count <= most && shares.Exists(share => share > 0)
            ? shares
            : throw Wrong(key, text, $"1 to {most} shares such as 20/30/50, not all of them 0");
    }

    /// <summary>Refuses options that were never read.</summary>
    public void RefuseOthers()
    {
        foreach (var key in options.Keys.Order(StringComparer.Ordinal))
        {
            if (!asked.Contains(key))
                throw new EnvironmentSetupException($"environment option {key} is unknown: it may be {string.Join(", ", asked)}");
        }
    }

    private string? Raw(string key)
    {
        asked.Add(key);
        return options.TryGetValue(key, out var text) ? text.Trim() : null;
    }

    private static EnvironmentSetupException Wrong(string key, string text, string may) =>
        new($"environment option {key}: '{text}' must be {may}");
}
