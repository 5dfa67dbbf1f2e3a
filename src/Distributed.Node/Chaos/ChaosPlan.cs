using System.Globalization;
using Distributed.Protocol;

namespace Distributed.Node.Chaos;

/// <summary>What is done to a node.</summary>
internal enum ChaosKind
{
    /// <summary>SIGKILL.</summary>
    Kill,

    /// <summary>SIGSTOP for a while.</summary>
    Freeze,

    /// <summary>Its link is cut for a while.</summary>
    Cut,

    /// <summary>Its link moves no byte for a while, but does not break.</summary>
    Hang,

    /// <summary>Its link is slow for a while.</summary>
    Slow,

    /// <summary>A byte of what it receives is changed.</summary>
    Corrupt,

    /// <summary>The run's disk is full for a while.</summary>
    DiskFull,
}

/// <summary>One fault.</summary>
/// <param name="AtSeconds">After the first step.</param>
/// <param name="Kind">What.</param>
/// <param name="Node">Whom.</param>
/// <param name="Seconds">How long; 0 for what happens at once.</param>
internal sealed record ChaosFault(double AtSeconds, ChaosKind Kind, string Node, double Seconds)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{AtSeconds,7:0.0} s  {Kind.ToString().ToLowerInvariant(),-8} {Node}{(Seconds > 0 ? $" for {Seconds:0.0} s" : "")}");
}

/// <summary>The faults of a chaos run: all drawn from its seed before it begins.</summary>
internal static class ChaosPlan
{
    private const double LongestSeconds = 9;

    /// <summary>Draws faults, ascending in time; one at a time or a few on top of each other, as it comes.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="seconds">How long faults go on.</param>
    /// <param name="meanGapSeconds">Mean time between two faults.</param>
    /// <param name="workers">The nodes besides the learner.</param>
    public static IReadOnlyList<ChaosFault> Draw(ulong seed, double seconds, double meanGapSeconds, IReadOnlyList<string> workers)
    {
        var faults = new List<ChaosFault>();
        var at = 0.0;
        for (var index = 0L; ; index++)
        {
            at += -Math.Log(1 - Unit(seed, "gap", index)) * meanGapSeconds;
            if (at >= seconds) return faults;
            var onLearner = Unit(seed, "learner", index) < 1.0 / (workers.Count + 1);
            var kind = onLearner
                ? Pick(seed, index, [ChaosKind.Kill, ChaosKind.Kill, ChaosKind.Freeze, ChaosKind.DiskFull])
                : Pick(seed, index, [ChaosKind.Kill, ChaosKind.Kill, ChaosKind.Freeze, ChaosKind.Cut, ChaosKind.Hang, ChaosKind.Slow, ChaosKind.Corrupt]);
            var node = onLearner ? "learner" : workers[(int)(Unit(seed, "node", index) * workers.Count)];
            var atOnce = kind is ChaosKind.Kill or ChaosKind.Corrupt;
            var longest = Math.Min(LongestSeconds, seconds / 3);
            faults.Add(new ChaosFault(at, kind, node, atOnce ? 0 : 0.5 + (Unit(seed, "length", index) * Math.Max(0, longest - 0.5))));
        }
    }

    private static ChaosKind Pick(ulong seed, long index, ReadOnlySpan<ChaosKind> kinds) => kinds[(int)(Unit(seed, "kind", index) * kinds.Length)];

    private static double Unit(ulong seed, string purpose, long index) => (Seeds.Derive(seed, "chaos " + purpose, index) >> 11) * (1.0 / (1UL << 53));
}
