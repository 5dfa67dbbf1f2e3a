using System.Globalization;
using System.Security.Cryptography;
using Distributed.Node.Checkpoints;
using Distributed.Node.Recipes;
using Distributed.Node.Reports;
using Distributed.Node.Runs;
using Distributed.Node.Terminal;
using Distributed.Protocol;

namespace Distributed.Node.Composition;

/// <summary>A run as a command has it: begun anew or gone on with, shown while it runs, accounted for in the end.</summary>
internal sealed class TrainingSession
{
    private readonly string? _run;
    private readonly string? _output;

    private TrainingSession(Recipe recipe, string? run, string? output)
    {
        Recipe = recipe;
        _run = run;
        _output = output;
    }

    /// <summary>The effective recipe.</summary>
    public Recipe Recipe { get; }

    /// <summary>Reads the recipe of a new run, or of one to go on with. This machine must have the engines of the roles it has; all if none are named.</summary>
    /// <exception cref="RefusedException">It cannot be used, not on this machine, or the two are mixed.</exception>
    public static TrainingSession Begin(string? recipe, IReadOnlyList<string> overrides, string? output, string? resume, IReadOnlyCollection<string>? roles = null)
    {
        var session = Read(recipe, overrides, output, resume);
        EngineChecks.CheckHere(session.Recipe.Engine, roles ?? ["learner", "rollout", "scorer"]);
        return session;
    }

    private static TrainingSession Read(string? recipe, IReadOnlyList<string> overrides, string? output, string? resume)
    {
        if (resume is null) return new TrainingSession(RecipeFile.ReadTraining(recipe ?? DefaultRecipe(), overrides), null, output);
        if (recipe != null || overrides.Count > 0 || output != null)
            throw new RefusedException("--resume goes on with a run as it was begun; leave recipe, --set, --seed, --threads, --engine, --device and --out away, or begin a new run");
        RunFolder.CheckIsRun(resume);
        return new TrainingSession(RecipeFile.ReadTraining(RunFolder.RecipeOf(resume), []), resume, null);
    }

    /// <summary>Runs to the end in this process.</summary>
    public int Run(CancellationToken cancel) => Run((recipe, say) => RunParts.Create(recipe, say), LocalRunCluster.Start, cancel);

    /// <summary>Runs to the end on nodes that are put together and started as given.</summary>
    public int Run(Func<Recipe, Action<string>, RunParts> create, Func<RunContext, IRunCluster> start, CancellationToken cancel)
    {
        if (_run is not null) return Resume(_run, create, start, cancel);
        var text = RecipeFile.Write(Recipe);
        using var folder = RunFolder.Create(Recipe.Name, text, _output, DateOnly.FromDateTime(DateTime.Now));
        return Run(text, folder, resume: false, secondsBefore: 0, create, start, cancel);
    }

    /// <summary>Makes the folder of a new run and leaves it for a learner's process to go on with; the folder of one to go on with is that itself.</summary>
    public string Prepare()
    {
        if (_run is not null) return _run;
        using var folder = RunFolder.Create(Recipe.Name, RecipeFile.Write(Recipe), _output, DateOnly.FromDateTime(DateTime.Now));
        return folder.Path;
    }

    private int Resume(string run, Func<Recipe, Action<string>, RunParts> create, Func<RunContext, IRunCluster> start, CancellationToken cancel)
    {
        var model = ModelSource.Of(Recipe);
        var newest = CheckpointFolder.LoadNewest(RunFolder.CheckpointsOf(run), model.Files, line => Console.Error.WriteLine($"distributed: {line}"));
        if (newest?.Version >= Recipe.Steps && IsEvaluated(run))
        {
            Console.WriteLine($"{run}: has done all of its {Recipe.Steps} steps; nothing is left to do");
            var ledger = WireCodec.DecodeLedger(newest.Ledger);
            Account(ledger.Totals, ledger.Groups.Sum(group => group.Slots.LongCount(slot => slot.DropReason is null)), Convert.ToHexStringLower(SHA256.HashData(newest.Weights.Span)));
            ReportPage.Write(run);
            return 0;
        }

        using var folder = RunFolder.Resume(run, newest == null ? -1 : checked((int)newest.Version));
        var logged = MetricsLog.Read(RunFolder.MetricsOf(run));
        var seconds = newest == null || logged.Count == 0 ? 0 : logged[^1].Seconds;
        if (newest != null || new EpochFile(run).Read() > 0) Console.WriteLine(newest == null
            ? $"{run}: has no checkpoint yet; beginning again"
            : string.Create(CultureInfo.InvariantCulture, $"{run}: going on from step {newest.Version}"));
        return Run(File.ReadAllText(RunFolder.RecipeOf(run)), folder, resume: newest != null, seconds, create, start, cancel);
    }

    private int Run(string text, RunFolder folder, bool resume, double secondsBefore, Func<Recipe, Action<string>, RunParts> create, Func<RunContext, IRunCluster> start, CancellationToken cancel)
    {
        TrainingResult result;
        using (var display = RunDisplays.Create(RunTitle.Of(Recipe, folder.Path)))
        using (cancel.Register(() => display.Notice("stopping after this step; Ctrl-C again ends at once")))
        using (var parts = create(Recipe, display.Notice))
            result = TrainingRun.Run(new TrainingInputs(Recipe, text, folder, resume, secondsBefore, display), parts, start, cancel);
        var report = ReportPage.Write(folder.Path);
        Account(result.Ended.Totals, result.Ended.Open, result.WeightsHash);
        Console.WriteLine(result.Stopped
            ? $"stopped at step {result.Ended.Version.Value}; go on with: ./distributed train --resume {folder.Path}"
            : $"report: {report}");
        return 0;
    }

    // A learner may have died between its last checkpoint and the last evaluation.
    private bool IsEvaluated(string run) =>
        MetricsLog.Read(RunFolder.MetricsOf(run)) is [.., var last] && last.Step >= Recipe.Steps && last[MetricNames.HeldOut] is not null;

    private static void Account(LedgerTotals totals, long open, string weights)
    {
        Console.WriteLine(Accounting.Line(totals, open));
        Console.WriteLine($"final weights: sha256 {weights}");
    }

    /// <summary>The default recipe: that of the program's own folder if the current one has none.</summary>
    public static string DefaultRecipe() => RecipeNamed("recipes/search-qa.yaml");

    /// <summary>A recipe of the program's: that of its own folder if the current one has none of that name.</summary>
    public static string RecipeNamed(string path)
    {
        var home = Environment.GetEnvironmentVariable("DISTRIBUTED_HOME");
        return File.Exists(path) || home == null ? path : Path.Combine(home, path);
    }
}
