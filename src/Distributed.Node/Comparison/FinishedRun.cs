using System.Text.Json;
using Distributed.Node.Runs;

namespace Distributed.Node.Comparison;

/// <summary>What tells that a run of a comparison is done: finished.json in its folder.</summary>
/// <param name="RecipeSha256">The run's <see cref="PlannedRun.Hash"/>.</param>
/// <param name="Steps">Steps it did.</param>
/// <param name="WeightsSha256">Of its final flat weights, hexadecimal.</param>
internal sealed record FinishedRun(string RecipeSha256, long Steps, string WeightsSha256)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Whether a folder holds that run, done.</summary>
    public static bool IsIn(string folder, PlannedRun run)
    {
        try
        {
            return File.Exists(PathIn(folder))
                && JsonSerializer.Deserialize<FinishedRun>(File.ReadAllBytes(PathIn(folder)), Options) is { } finished
                && (finished.RecipeSha256 == run.Hash || PlannedRun.HashIn(folder) == run.Hash);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return false; // not whole: its checkpoint says how far it came
        }
    }

    /// <summary>Writes it.</summary>
    public void WriteTo(string folder) => Disk.Guard(folder, () =>
    {
        File.WriteAllBytes(PathIn(folder) + ".part", JsonSerializer.SerializeToUtf8Bytes(this, Options));
        File.Move(PathIn(folder) + ".part", PathIn(folder), overwrite: true);
    });

    private static string PathIn(string folder) => Path.Combine(folder, "finished.json");
}
