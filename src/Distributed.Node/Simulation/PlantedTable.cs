using System.Globalization;
using Distributed.Simulation.Planted;
using Distributed.Simulation.Runs;

namespace Distributed.Node.Simulation;

/// <summary>Proves that the simulator finds bugs: plants each and counts the seeds until it is found.</summary>
internal static class PlantedTable
{
    private const int Batch = 100;
    private const int Most = 2000;

    /// <summary>Prints the table; 1 if a bug was not found.</summary>
    public static int Print(int jobs, CancellationToken cancel)
    {
        var missed = 0;
        Console.WriteLine($"{"planted bug",-26} {"found at",8} {"of first 100",12}  broken promise");
        foreach (var bug in PlantedBugs.All)
        {
            SortedDictionary<ulong, Violation> failures = [];
            var ofFirst = 0;
            for (var first = 1; first <= Most && failures.Count == 0; first += Batch)
            {
                foreach (var (seed, violation) in new SeedSweep().Run((ulong)first, Batch, jobs, bug.Name, cancel: cancel).Failures) failures.Add(seed, violation);
                if (first == 1) ofFirst = failures.Count;
            }

            if (failures.Count == 0) missed++;
            var found = failures.Count == 0 ? "never" : failures.Keys.First().ToString(CultureInfo.InvariantCulture);
            Console.WriteLine($"{bug.Name,-26} {found,8} {ofFirst,12}  {(failures.Count == 0 ? "" : failures.Values.First().Invariant)}");
        }

        return missed == 0 ? 0 : 1;
    }
}
