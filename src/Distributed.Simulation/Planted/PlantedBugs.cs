namespace Distributed.Simulation.Runs;

/// <summary>Bugs that can be planted.</summary>
public static class PlantedBugs
{
    /// <summary>The parts of a cluster with a bug planted, or none.</summary>
    public static ClusterParts Of(string? name) => new();
}
