using Distributed.Node.Checkpoints;
using Distributed.Node.Composition;
using Distributed.Node.Recipes;
using Distributed.Node.Reports;
using Distributed.Node.Runs;

namespace Distributed.Node.Comparison;

/// <summary>Does one run of a comparison, from its beginning or from where it was interrupted.</summary>
internal static class RunExecution
{
    /// <summary>Runs to the end; false if it was stopped before.</summary>
    /// <exception cref="RefusedException">The run could not begin or go on.</exception>
    public static bool Do(PlannedRun run, string path, IRunDisplay display, CancellationToken cancel)
    {
        var text = RecipeFile.Write(run.Recipe);
        var begun = File.Exists(RunFolder.RecipeOf(path));
        if (!begun && Directory.Exists(path)) Disk.Guard(path, () => Directory.Delete(path, recursive: true)); // interrupted before its recipe was written
        var newest = !begun ? null : CheckpointFolder.LoadNewest(
            RunFolder.CheckpointsOf(path), ModelSource.Of(run.Recipe).Files, display.Notice);
        using var folder = begun
            ? RunFolder.Resume(path, newest == null ? -1 : checked((int)newest.Version))
            : RunFolder.Create(run.Recipe.Name, text, path, default);
        var logged = begun ? MetricsLog.Read(RunFolder.MetricsOf(path)) : [];
        var result = TrainingRun.Run(
            new TrainingInputs(run.Recipe, text, folder, newest != null, logged.Count == 0 ? 0 : logged[^1].Seconds, display), cancel);
        if (result.Stopped || !IsEvaluated(run.Recipe, path)) return false;
        ReportPage.Write(path);
        new FinishedRun(run.Hash, result.Ended.Version.Value, result.WeightsHash).WriteTo(path);
        return true;
    }

    // One that was stopped during its last evaluation has taken every step and is not finished; it is evaluated when it goes on.
    private static bool IsEvaluated(Recipe recipe, string path) => recipe.Evaluation.Questions == 0
        || (MetricsLog.Read(RunFolder.MetricsOf(path)) is [.., var last] && last.Step >= recipe.Steps && last[MetricNames.HeldOut] is not null);
}
