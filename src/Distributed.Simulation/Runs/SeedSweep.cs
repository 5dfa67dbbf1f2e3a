using Distributed.Simulation.Faults;

namespace Distributed.Simulation.Runs;

/// <summary>Many seeds, each on one thread; what comes out does not depend on how many run side by side.</summary>
public sealed class SeedSweep
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, long> _counters = new(StringComparer.Ordinal);
    private readonly SortedDictionary<ulong, Violation> _failures = [];

    /// <summary>Runs done.</summary>
    public int Runs { get; private set; }

    /// <summary>Seeds whose run broke a promise.</summary>
    public IReadOnlyDictionary<ulong, Violation> Failures => _failures;

    /// <summary>Faults met and recovery paths taken in all runs together.</summary>
    public IReadOnlyDictionary<string, long> Counters => _counters;

    /// <summary>Messages that actors handled.</summary>
    public long Activations { get; private set; }

    /// <summary>Virtual hours of all nodes together.</summary>
    public double NodeHours { get; private set; }

    /// <summary>Runs the seeds from <paramref name="first"/> on.</summary>
    /// <param name="first">First seed.</param>
    /// <param name="count">How many.</param>
    /// <param name="jobs">How many at a time.</param>
    /// <param name="planted">A bug to plant, or null.</param>
    /// <param name="done">Called after every run, one at a time.</param>
    /// <param name="cancel">Ends the sweep after the runs under way.</param>
    public SeedSweep Run(ulong first, int count, int jobs, string? planted = null, Action<ulong, SimulationOutcome>? done = null, CancellationToken cancel = default)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancel };
        Parallel.For(0, count, options, index =>
        {
            var seed = first + (ulong)index;
            var outcome = SimulationRun.Of(FaultDraw.Of(seed) with { Planted = planted });
            lock (_gate)
            {
                Add(seed, outcome);
                done?.Invoke(seed, outcome);
            }
        });
        return this;
    }

    private void Add(ulong seed, SimulationOutcome outcome)
    {
        Runs++;
        Activations += outcome.Activations;
        NodeHours += outcome.VirtualTime.TotalHours * (outcome.Plan.Shape.RolloutNodes + outcome.Plan.Shape.Scorers + 1);
        foreach (var (name, times) in outcome.Counters) _counters[name] = _counters.GetValueOrDefault(name) + times;
        if (outcome.Violation is { } violation) _failures.Add(seed, violation);
    }
}
