using Distributed.Node.Runs;

namespace Distributed.Node.Comparison;

/// <summary>Writes what a comparison came to: report.html, plots/, results.md, results.csv, curves.csv.</summary>
internal static class ComparisonOutput
{
    /// <summary>Reads the finished runs below a folder.</summary>
    public static ComparisonResults Read(ComparisonFile file, IReadOnlyList<PlannedRun> runs, string output) => new(
        file, runs.Count, [.. runs.Where(run => FinishedRun.IsIn(run.FolderBelow(output), run)).Select(run => RunCurve.Read(run, run.FolderBelow(output)))]);

    /// <summary>Writes the files.</summary>
    /// <exception cref="RefusedException">The folder cannot be written.</exception>
    public static void Write(ComparisonResults results, string output)
    {
        Put("results.md", $"# {results.File.Name}\n\n{ComparisonTable.Markdown(results)}\n{ComparisonTable.Note(results)}\n");
        Put("results.csv", ComparisonCsv.Results(results));
        Put("curves.csv", ComparisonCsv.Curves(results));
        var (page, charts) = new ComparisonPage(results).Render();
        Put("report.html", page);
        var plots = Path.Combine(output, "plots");
        Disk.Guard(plots, () =>
        {
            if (Directory.Exists(plots)) Directory.Delete(plots, recursive: true); // none of a chart that is no longer drawn
            Directory.CreateDirectory(plots);
        });
        foreach (var chart in charts) Put(Path.Combine("plots", chart.File + ".svg"), ComparisonPage.Standalone(chart));

        void Put(string name, string text) => Disk.Guard(Path.Combine(output, name), () =>
        {
            File.WriteAllText(Path.Combine(output, name + ".part"), text);
            File.Move(Path.Combine(output, name + ".part"), Path.Combine(output, name), overwrite: true);
        });
    }
}
