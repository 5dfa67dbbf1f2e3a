using System.Globalization;
using Distributed.Actors.Ports;

namespace Distributed.Node.Runs;

/// <summary>
/// The folder of one run: recipe.yaml (effective), metrics.jsonl, trajectories.jsonl, ledger.jsonl, checkpoints/, report.html. While it is open for
/// writing no other process can write to it.
/// </summary>
public sealed class RunFolder : IDisposable
{
    private const int MostRunsADay = 10_000;
    private readonly FileStream guard;
    private StepLog? metrics;
    private StepLog? trajectories;
    private StepLog? ledger;

    private RunFolder(string path, FileStream guard)
    {
        Path = path;
        this.guard = guard;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The effective recipe.</summary>
    public string RecipePath => RecipeOf(Path);

    /// <summary>Where checkpoints go.</summary>
    public string CheckpointsPath => CheckpointsOf(Path);

    /// <summary>The report.</summary>
    public string ReportPath => ReportOf(Path);

    /// <summary>The effective recipe of a run.</summary>
    public static string RecipeOf(string run) => System.IO.Path.Combine(run, "recipe.yaml");

    /// <summary>The metrics of a run.</summary>
    public static string MetricsOf(string run) => System.IO.Path.Combine(run, "metrics.jsonl");

    /// <summary>The trajectories of a run.</summary>
    public static string TrajectoriesOf(string run) => System.IO.Path.Combine(run, "trajectories.jsonl");

    /// <summary>How every rollout of a run ended.</summary>
    public static string LedgerOf(string run) => System.IO.Path.Combine(run, "ledger.jsonl");

    /// <summary>The checkpoints of a run.</summary>
    public static string CheckpointsOf(string run) => System.IO.Path.Combine(run, "checkpoints");

    /// <summary>The report of a run.</summary>
    public static string ReportOf(string run) => System.IO.Path.Combine(run, "report.html");

    /// <summary>Makes a new run folder, <c>runs/NAME-DATE-N</c> below the current folder unless another is given.</summary>
    /// <param name="name">The recipe's name.</param>
    /// <param name="recipe">The effective recipe.</param>
    /// <param name="chosen">The folder to use, or null; it must be empty or not there yet.</param>
    /// <param name="today">For the folder's name.</param>
    /// <exception cref="RefusedException">The folder is taken or cannot be written.</exception>
    public static RunFolder Create(string name, string recipe, string? chosen, DateOnly today)
    {
        var path = chosen ?? Free(name, today);
        if (chosen is not null && (File.Exists(path) || (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())))
        {
            throw new RefusedException($"{path}: is not empty; choose another --out, or go on with it by --resume {path}");
        }
        return Disk.Guard(path, () =>
        {
            Directory.CreateDirectory(path);
            return Open(path, -1, folder => File.WriteAllText(folder.RecipePath, recipe));
        });
    }

    /// <summary>Opens a run to go on with it; what was logged after a step is cut off.</summary>
    /// <param name="path">The run folder.</param>
    /// <param name="throughStep">The last step whose lines stay: the one the checkpoint was made at, or -1 for none.</param>
    /// <exception cref="RefusedException">It is no run folder, is in use, or cannot be written.</exception>
    public static RunFolder Resume(string path, int throughStep)
    {
        CheckIsRun(path);
        return Disk.Guard(path, () => Open(path, throughStep, _ => { }));
    }

    /// <summary>Refuses a path that is no run folder.</summary>
    public static void CheckIsRun(string path)
    {
        if (!File.Exists(RecipeOf(path)))
        {
            throw new RefusedException($"{path}: is no run folder (it has no recipe.yaml); give a folder that `distributed train` made, for example runs/search-qa-..");
        }
    }

    /// <summary>Appends a step to metrics.jsonl.</summary>
    /// <exception cref="RefusedException">The disk is full or the file cannot be written.</exception>
    public void Append(StepReport report) => metrics!.Append(MetricsLog.Format(report));

    /// <summary>Appends to trajectories.jsonl.</summary>
    /// <exception cref="RefusedException">The disk is full or the file cannot be written.</exception>
    public void Append(TrajectoryRecord trajectory) => trajectories!.Append(TrajectoryLog.Format(trajectory));

    /// <summary>Appends a step to ledger.jsonl.</summary>
    /// <exception cref="RefusedException">The disk is full or the file cannot be written.</exception>
    public void Append(StepSettled settled) => ledger!.Append(LedgerLog.Format(settled));

    /// <summary>Cuts off what was logged after a step, for a learner that goes back to a checkpoint.</summary>
    /// <exception cref="RefusedException">The files cannot be written.</exception>
    public void Rewind(int throughStep)
    {
        metrics?.Dispose();
        trajectories?.Dispose();
        ledger?.Dispose();
        OpenLogs(throughStep);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        metrics?.Dispose();
        trajectories?.Dispose();
        ledger?.Dispose();
        guard.Dispose();
    }

    private static RunFolder Open(string path, int throughStep, Action<RunFolder> prepare)
    {
        var folder = new RunFolder(path, Lock(path));
        try
        {
            prepare(folder);
            folder.OpenLogs(throughStep);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private void OpenLogs(int throughStep)
    {
        metrics = StepLog.Open(MetricsOf(Path), throughStep);
        trajectories = StepLog.Open(TrajectoriesOf(Path), throughStep);
        ledger = StepLog.Open(LedgerOf(Path), throughStep);
    }

    private static string Free(string name, DateOnly today)
    {
        var day = today.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        for (var n = 1; n <= MostRunsADay; n++)
        {
            var path = System.IO.Path.Combine("runs", string.Create(CultureInfo.InvariantCulture, $"{name}-{day}-{n}"));
            if (!Taken(path))
            {
                return path;
            }
        }
        throw new RefusedException($"runs: has {MostRunsADay} runs of {name} today; choose a folder with --out");

        static bool Taken(string path) => Directory.Exists(path) || File.Exists(path);
    }

    // The lock goes with the process, however it ends.
    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(path, "run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException) && File.Exists(System.IO.Path.Combine(path, "run.lock")))
        {
            throw new RefusedException($"{path}: another process is writing to this run; wait for it, or choose another --out", e);
        }
    }
}
