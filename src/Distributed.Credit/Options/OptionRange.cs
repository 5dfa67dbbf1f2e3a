using System.Globalization;

namespace Distributed.Credit;

/// <summary>Refuses option values that make no sense, naming the option and its range.</summary>
internal static class OptionRange
{
    public static void Finite(string owner, string option, double value)
    {
        if (!double.IsFinite(value)) throw Refuse(owner, option, value, "a finite number");
    }

    public static void AtLeast(string owner, string option, double value, double least)
    {
        if (!double.IsFinite(value) || value < least) throw Refuse(owner, option, value, $"{Print(least)} or more");
    }

    public static void Above(string owner, string option, double value, double bound)
    {
        if (!double.IsFinite(value) || value <= bound) throw Refuse(owner, option, value, $"above {Print(bound)}");
    }

    public static void Between(string owner, string option, double value, double least, double most)
    {
        if (!(value >= least && value <= most)) throw Refuse(owner, option, value, $"from {Print(least)} to {Print(most)}");
    }

    private static CreditException Refuse(string owner, string option, double value, string range) =>
        new($"{owner}: {option} is {Print(value)}; it must be {range}");

    private static string Print(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
