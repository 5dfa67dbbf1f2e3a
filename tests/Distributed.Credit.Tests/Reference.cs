using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;

namespace Distributed.Credit.Tests;

/// <summary>Reads the reference vectors and compares with them.</summary>
internal static class Reference
{
    private static readonly ConcurrentDictionary<string, JsonElement> Loaded = new();

    public static JsonElement Load(string name) =>
        Loaded.GetOrAdd(name, static file =>
            JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "algo", file + ".json"))).RootElement);

    public static IEnumerable<JsonElement> Cases(string name) => Load(name).GetProperty("cases").EnumerateArray();

    public static string Name(this JsonElement element) => element.GetProperty("case").GetString()!;

    public static double Number(this JsonElement element, string property) => element.GetProperty(property).GetDouble();

    public static double[] Numbers(this JsonElement element) => [.. element.EnumerateArray().Select(item => item.GetDouble())];

    public static double[] Numbers(this JsonElement element, string property) => element.GetProperty(property).Numbers();

    public static int[] Integers(this JsonElement element, string property) =>
        [.. element.GetProperty(property).EnumerateArray().Select(item => item.GetInt32())];

    public static double[][] Table(this JsonElement element) => [.. element.EnumerateArray().Select(row => row.Numbers())];

    public static double[][] Table(this JsonElement element, string property) => element.GetProperty(property).Table();

    /// <summary>The rows of a 0/1 mask.</summary>
    public static bool[][] Mask(this JsonElement element, string property) =>
        [.. element.Table(property).Select(row => row.Select(value => value != 0).ToArray())];

    /// <summary>The members of a row where the mask is set.</summary>
    public static T[] Where<T>(this T[] row, bool[] mask) => [.. row.Where((_, i) => mask[i])];

    public static void ShouldMatch(this double actual, double expected, string what, double relative = 1e-9, double absolute = 1e-12) =>
        (Math.Abs(actual - expected) <= relative * Math.Abs(expected) + absolute)
            .ShouldBeTrue($"{what}: got {actual:R}, expected {expected:R}");

    public static void ShouldMatch(this IReadOnlyList<double> actual, IReadOnlyList<double> expected, string what, double relative = 1e-9,
        double absolute = 1e-12)
    {
        actual.Count.ShouldBe(expected.Count, what);
        for (var i = 0; i < expected.Count; i++) actual[i].ShouldMatch(expected[i], $"{what} [{i}]", relative, absolute);
    }

    public static void ShouldMatch(
        this IReadOnlyList<IReadOnlyList<double>> actual, IReadOnlyList<IReadOnlyList<double>> expected, string what,
            double relative = 1e-9, double absolute = 1e-12)
    {
        actual.Count.ShouldBe(expected.Count, what);
        for (var i = 0; i < expected.Count; i++) actual[i].ShouldMatch(expected[i], $"{what} rollout {i}", relative, absolute);
    }

    public static void ShouldMatchRows(this ImmutableArray<double>[] actual, double[][] expected, string what, double relative = 1e-9,
        double absolute = 1e-12)
    {
        actual.Length.ShouldBe(expected.Length, what);
        for (var i = 0; i < expected.Length; i++) actual[i].ShouldMatch(expected[i], $"{what} rollout {i}", relative, absolute);
    }

    /// <summary>Groups the rollouts of a case by its list of prompt ids.</summary>
    public static GroupedRollouts Groups(this JsonElement element, Func<int, ScoredRollout> rollout) =>
        new(element.Integers("group"), rollout);

    /// <summary>Rollouts of tool turns with these gains and one final turn each.</summary>
    public static GroupedRollouts GroupsWithGains(this JsonElement element, double[][] gains)
    {
        var outcomes = element.Numbers("outcome");
        var lengths = element.TryGetProperty("turn_token_lengths", out var given) ? given.Table() : null;
        return element.Groups(i => new ScoredRollout(
            outcomes[i], lengths is null ? [.. Enumerable.Repeat(1, gains[i].Length + 1)] : [.. lengths[i].Select(length => (int)length)],
                [.. gains[i]]));
    }
}

/// <summary>The rollouts of a reference case as groups, and the way back to the case's own order.</summary>
internal sealed class GroupedRollouts
{
    private readonly List<(int Group, int Place)> _places = [];

    public GroupedRollouts(int[] groupOfRollout, Func<int, ScoredRollout> rollout)
    {
        var ids = groupOfRollout.Distinct().ToList();
        var members = ids.ConvertAll(_ => new List<ScoredRollout>());
        for (var i = 0; i < groupOfRollout.Length; i++)
        {
            var group = ids.IndexOf(groupOfRollout[i]);
            _places.Add((group, members[group].Count));
            members[group].Add(rollout(i));
        }

        Batch = [.. members.Select((rollouts, g) => new ScoredGroup($"prompt {ids[g]}", [.. rollouts]))];
    }

    public ImmutableArray<ScoredGroup> Batch { get; }

    /// <summary>Credit in the order of the case.</summary>
    public RolloutCredit[] Credit(IAdvantageEstimator estimator)
    {
        var credit = estimator.Assign(Batch);
        return [.. _places.Select(place => credit.Groups[place.Group].Rollouts[place.Place])];
    }
}
