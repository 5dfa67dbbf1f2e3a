using System.Globalization;
using Distributed.Simulation.Host;

namespace Distributed.Simulation.Runs;

/// <summary>Something that must never happen has happened.</summary>
/// <param name="Invariant">Which promise was broken.</param>
/// <param name="Text">How.</param>
/// <param name="At">When, in virtual time.</param>
public sealed record Violation(string Invariant, string Text, TimeSpan At);

/// <summary>A line of a run's story.</summary>
/// <param name="At">When, in virtual time.</param>
/// <param name="Node">Where.</param>
/// <param name="Text">What.</param>
/// <param name="IsDetail">One of the many small things that only a full story tells.</param>
public sealed record StoryLine(TimeSpan At, string Node, string Text, bool IsDetail);

/// <summary>
/// What a run did: a hash over everything that happened and when, counters of the faults met and the recovery paths taken, the first broken
/// promise, and the story for people.
/// </summary>
/// <param name="host">The simulation.</param>
/// <param name="details">Whether small things are told too.</param>
public sealed class RunJournal(SimulationHost host, bool details = false)
{
    private const int LongestStory = 200_000;
    private readonly List<StoryLine> _story = [];
    private readonly SortedDictionary<string, long> _counters = new(StringComparer.Ordinal);
    private ulong _hash = 14695981039346656037UL;

    /// <summary>Hash of everything noted so far (FNV-1a).</summary>
    public string TraceHash => _hash.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>How often each fault was met and each recovery path was taken.</summary>
    public IReadOnlyDictionary<string, long> Counters => _counters;

    /// <summary>The story so far.</summary>
    public IReadOnlyList<StoryLine> Story => _story;

    /// <summary>The first broken promise; null if none is.</summary>
    public Violation? Violation { get; private set; }

    /// <summary>Whether small things are told.</summary>
    public bool Details => details;

    /// <summary>Adds something that happened now to the hash.</summary>
    public void Trace(string what, ulong value = 0)
    {
        Fold((ulong)host.NowTicks);
        Fold(value);
        foreach (var letter in what) Fold(letter);
    }

    /// <summary>Counts a fault that was met or a recovery path that was taken.</summary>
    public void Count(string what) => _counters[what] = _counters.GetValueOrDefault(what) + 1;

    /// <summary>Tells something a reader of the story wants to know.</summary>
    public void Say(string node, string text)
    {
        if (_story.Count < LongestStory) _story.Add(new StoryLine(host.Now, node, text, IsDetail: false));
    }

    /// <summary>Tells something only a full story has.</summary>
    public void Detail(string node, string text)
    {
        if (details && _story.Count < LongestStory) _story.Add(new StoryLine(host.Now, node, text, IsDetail: true));
    }

    /// <summary>A promise is broken; the first one ends the run.</summary>
    public void Violate(string invariant, string text)
    {
        if (Violation != null) return;
        Violation = new Violation(invariant, text, host.Now);
        Say("!", $"BROKEN: {invariant}: {text}");
    }

    private void Fold(ulong value) => _hash = (_hash ^ value) * 1099511628211UL;
}
