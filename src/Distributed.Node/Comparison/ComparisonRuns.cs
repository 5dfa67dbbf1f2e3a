using System.Collections.Concurrent;

namespace Distributed.Node.Comparison;

/// <summary>Does the runs of a comparison side by side. One that fails is said and the others go on; what each comes to does not depend on the others.</summary>
internal sealed class ComparisonRuns(IReadOnlyList<PlannedRun> runs, string output, ComparisonProgress progress)
{
    private readonly ConcurrentQueue<PlannedRun> waiting = new(runs);
    private readonly ConcurrentBag<PlannedRun> failed = [];

    /// <summary>Does them all.</summary>
    /// <param name="jobs">How many at a time, at least 1.</param>
    /// <param name="cancel">Stops the runs under way with a checkpoint each, and begins no others.</param>
    /// <returns>The runs that failed.</returns>
    public IReadOnlyList<PlannedRun> Do(int jobs, CancellationToken cancel)
    {
        var threads = Enumerable.Range(0, Math.Min(jobs, Math.Max(1, runs.Count)))
            .Select(index => new Thread(() => Work(cancel)) { IsBackground = true, Name = $"run {index + 1}" })
            .ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return [.. failed.OrderBy(run => runs.ToList().IndexOf(run))];
    }

    private void Work(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested && waiting.TryDequeue(out var run))
        {
            using var display = progress.Begin(run);
            try
            {
                if (RunExecution.Do(run, run.FolderBelow(output), display, cancel)) progress.Finished(run);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                failed.Add(run);
                progress.Failed(run, error.Message.ReplaceLineEndings(" "));
            }
        }
    }
}
