using System.Globalization;
using System.Security.Cryptography;
using Distributed.Node.Checkpoints;
using Distributed.Node.Composition;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;

namespace Distributed.Node.Chaos;

/// <summary>What must hold of a run's files after chaos.</summary>
internal static class ChaosChecks
{
    private const int LeastOften = 1_000_000;

    /// <summary>Checks the ledger, the chain of versions and epochs, and for a synchronous run that its weights are those of an undisturbed one.</summary>
    /// <returns>What does not hold.</returns>
    public static IReadOnlyList<string> Of(string run, Recipe recipe, bool compare, Action<string> say, CancellationToken cancel)
    {
        var proof = LedgerProof.Of(run);
        foreach (var line in proof.Lines) say(line);
        List<string> faults = [.. proof.Faults];

        var last = 0L;
        foreach (var step in LedgerLog.Read(RunFolder.LedgerOf(run)))
        {
            if (step.Epoch.Value < last) faults.Add($"step {step.Version.Value} was made in life {step.Epoch.Value}, one before it in life {last}");
            last = Math.Max(last, step.Epoch.Value);
        }

        var (version, newest) = CheckpointDirectory.List(RunFolder.CheckpointsOf(run))[0];
        if (compare && recipe.MaxStalenessSteps == 0) Compare(run, recipe, version, newest, faults, say, cancel);
        return faults;
    }

    private static void Compare(string run, Recipe recipe, long version, string newest, List<string> faults, Action<string> say, CancellationToken cancel)
    {
        // A rollout that was given up, or trained without its scores, is accounted for, but the weights are other ones then.
        var learnerLog = Path.Combine(run, "nodes", "learner.log");
        if (File.ReadLines(learnerLog).FirstOrDefault(line => line.Contains(" given up after ", StringComparison.Ordinal) || line.Contains(" trains without ", StringComparison.Ordinal)) is { } lost)
        {
            say($"weights not compared: {lost}");
            return;
        }

        say(string.Create(CultureInfo.InvariantCulture, $"doing {version} steps undisturbed to compare the weights"));
        var undisturbed = Path.Combine(run, "undisturbed");
        var text = RecipeFile.Write(recipe with { Steps = checked((int)version), Checkpoint = recipe.Checkpoint with { EverySteps = LeastOften } });
        var path = Path.Combine(run, "undisturbed.yaml");
        Disk.Guard(path, () => File.WriteAllText(path, text));
        TrainingSession.Begin(path, [], undisturbed, null).Run(cancel);
        var (disturbedHash, calmHash) = (Hash(newest), Hash(CheckpointDirectory.List(RunFolder.CheckpointsOf(undisturbed))[0].Path));
        if (disturbedHash == calmHash) say($"the weights are the same: sha256 {calmHash}");
        else faults.Add($"the weights of step {version} have sha256 {disturbedHash}, undisturbed they have {calmHash}");
    }

    private static string Hash(string checkpoint) =>
        Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(CheckpointDirectory.ModelOf(checkpoint), "model.safetensors"))));
}
