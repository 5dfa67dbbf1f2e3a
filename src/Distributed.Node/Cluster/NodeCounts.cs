using System.Globalization;

namespace Distributed.Node.Cluster;

/// <summary>How many nodes of each role a local cluster has besides the learner.</summary>
internal sealed record NodeCounts(int Rollouts, int Scorers)
{
    private const int Most = 256;

    /// <summary>Reads <c>rollout=2,scorer=1</c>; a role left out has one node.</summary>
    /// <exception cref="RefusedException">It is not of that form.</exception>
    public static NodeCounts Parse(string text)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal) { ["rollout"] = 1, ["scorer"] = 1 };
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !counts.ContainsKey(part[..equals]) || !int.TryParse(part.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > Most)
                throw new RefusedException($"--nodes {text}: '{part}' is no number of nodes; write it like rollout=2,scorer=1, each from 1 to {Most}");
            counts[part[..equals]] = count;
        }

        return new NodeCounts(counts["rollout"], counts["scorer"]);
    }

    /// <summary>The same as options of a recipe.</summary>
    public IReadOnlyList<string> Overrides(string fabric) =>
    [
        $"cluster.fabric={fabric}",
        string.Create(CultureInfo.InvariantCulture, $"cluster.rollout_nodes={Rollouts}"),
        string.Create(CultureInfo.InvariantCulture, $"cluster.scorer_nodes={Scorers}"),
    ];
}
