using System.CommandLine;
using System.Globalization;
using Distributed.Node.Comparison;
using Distributed.Node.Runs;

namespace Distributed.Node.Commands;

/// <summary><c>distributed compare</c>: methods x tasks x seeds from one file.</summary>
internal static class CompareCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "Comparison file, for example recipes/compare-small.yaml." };
        var output = new Option<string?>("--out") { Description = "Where runs and results go; runs/NAME if left out." };
        var jobs = new Option<int?>("--jobs") { Description = "Runs side by side; as many as the machine has cores if left out. Results do not depend on it." };
        var resume = new Option<bool>("--resume") { Description = "Go on in a folder that has runs already: finished ones are kept, interrupted ones go on." };
        var seeds = new Option<string?>("--seeds") { Description = "Seeds instead of the file's: --seeds 1,2,3." };
        var reportOnly = new Option<bool>("--report-only") { Description = "Begin no run; write tables and charts of those that are finished in the folder." };
        var command = new Command("compare", "Run methods x tasks x seeds side by side and compare them: table, intervals, paired tests, report and CSV.") { file, output, jobs, resume, seeds, reportOnly };
        command.SetAction((parsed, cancel) => Task.FromResult(Run(
            parsed.GetValue(file)!, parsed.GetValue(output), parsed.GetValue(jobs) ?? Environment.ProcessorCount, parsed.GetValue(resume), parsed.GetValue(seeds), parsed.GetValue(reportOnly), cancel)));
        return command;
    }

    private static int Run(string path, string? output, int jobs, bool resume, string? seeds, bool reportOnly, CancellationToken cancel)
    {
        if (jobs < 1) throw new RefusedException($"--jobs {jobs}: give 1 or more");
        var file = ComparisonFile.Read(path);
        if (seeds != null) file = file with { Seeds = SeedList(seeds) };
        var runs = PlannedRun.Plan(file);
        var folder = output ?? Path.Combine("runs", file.Name);
        if (!resume && !reportOnly && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new RefusedException($"{folder}: has results already; go on there with --resume, or choose another folder with --out");
        var open = runs.Where(run => !FinishedRun.IsIn(run.FolderBelow(folder), run)).ToArray();
        if (reportOnly && open.Length == runs.Count) throw new RefusedException($"{folder}: no run of {path} is finished there; run it without --report-only, or name its folder with --out");
        Disk.Guard(folder, () =>
        {
            Directory.CreateDirectory(folder);
            File.Copy(path, Path.Combine(folder, "comparison.yaml"), overwrite: true);
        });

        if (reportOnly) open = [];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{file.Name}: {file.Methods.Count} methods x {file.Tasks.Count} {(file.Tasks.Count == 1 ? "task" : "tasks")} x {file.Seeds.Count} seeds = {runs.Count} runs, {runs.Count(run => FinishedRun.IsIn(run.FolderBelow(folder), run))} of them done{(open.Length == 0 ? "" : $"; {Math.Min(jobs, open.Length)} at a time")}"));
        var progress = new ComparisonProgress(Console.Out, TimeProvider.System, runs, runs.Count - open.Length, jobs);
        var failed = new ComparisonRuns(open, folder, progress).Do(jobs, cancel);
        var results = ComparisonOutput.Read(file, runs, folder);
        if (results.Curves.Count > 0)
        {
            ComparisonOutput.Write(results, folder);
            Console.WriteLine();
            Console.Write(ComparisonTable.Plain(results));
            Console.WriteLine();
            Console.WriteLine(ComparisonTable.Note(results));
            Console.WriteLine($"report: {Path.Combine(folder, "report.html")}");
        }

        if (cancel.IsCancellationRequested) Console.WriteLine($"stopped; go on with: ./distributed compare {path} --out {folder} --resume");
        foreach (var run in failed) Console.Error.WriteLine($"distributed: {run.Title} failed; its folder is {run.FolderBelow(folder)}, and --resume tries it again");
        return failed.Count > 0 || cancel.IsCancellationRequested ? 1 : 0;
    }

    private static long[] SeedList(string text) =>
    [
        .. text.Split(',').Select(part => long.TryParse(part, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var seed) && seed is >= 0 and <= 1L << 53
            ? seed
            : throw new RefusedException($"--seeds {text}: give whole numbers from 0, separated by commas, for example --seeds 1,2,3")).Distinct(),
    ];
}
