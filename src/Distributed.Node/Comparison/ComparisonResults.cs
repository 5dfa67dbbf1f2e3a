namespace Distributed.Node.Comparison;

/// <summary>The finished runs of a comparison and what they come to.</summary>
/// <param name="File">The comparison.</param>
/// <param name="Planned">How many runs it has.</param>
/// <param name="Curves">Its finished runs.</param>
internal sealed record ComparisonResults(ComparisonFile File, int Planned, IReadOnlyList<RunCurve> Curves)
{
    /// <summary>Finished runs of a method on a task, by seed.</summary>
    public IReadOnlyList<RunCurve> Of(string task, string method) =>
        [.. Curves.Where(curve => curve.Run.Task == task && curve.Run.Method == method).OrderBy(curve => curve.Run.Seed)];

    /// <summary>A row for every task and method with a finished run, in the file's order.</summary>
    public IReadOnlyList<ComparisonRow> Rows =>
        [.. from task in File.Tasks from method in File.Methods let row = Row(task.Name, method.Name) where row != null select row];

    private ComparisonRow? Row(string task, string method)
    {
        var own = Of(task, method);
        if (own.Count == 0) return null;
        var reference = method == File.Reference ? [] : Of(task, File.Reference);
        return new ComparisonRow(
            task,
            method,
            Interval.Of([.. own.Select(curve => curve.Final)]),
            Interval.Of([.. own.Select(curve => curve.Area)]),
            Difference.Of(Pairs(own, reference, curve => curve.Final)),
            Difference.Of(Pairs(own, reference, curve => curve.Area)));
    }

    private static IReadOnlyList<double> Pairs(IReadOnlyList<RunCurve> own, IReadOnlyList<RunCurve> reference, Func<RunCurve, double> value) =>
    [
        .. from mine in own
           join other in reference on mine.Run.Seed equals other.Run.Seed
           select value(mine) - value(other),
    ];
}

/// <summary>What a method came to on a task.</summary>
/// <param name="Task">The task.</param>
/// <param name="Method">The method.</param>
/// <param name="Final">Greedy held-out success after the last step.</param>
/// <param name="Area">Mean greedy held-out success over training.</param>
/// <param name="FinalDifference">Of the final success to the reference's on the same seeds; null for the reference itself, or without common seeds.</param>
/// <param name="AreaDifference">The same of the mean success.</param>
internal sealed record ComparisonRow(string Task, string Method, Interval Final, Interval Area, Difference? FinalDifference, Difference? AreaDifference);

/// <summary>A mean difference over common seeds.</summary>
/// <param name="Interval">The mean with its interval.</param>
/// <param name="P">Of the paired sign-flip test, two-sided.</param>
/// <param name="Agreed">1 if it is above 0 on every one of at least two seeds, -1 if below, else 0.</param>
internal sealed record Difference(Interval Interval, double P, int Agreed)
{
    /// <summary>Of paired differences; null for none.</summary>
    public static Difference? Of(IReadOnlyList<double> differences) => differences.Count == 0 ? null : new Difference(
        Interval.Of(differences),
        SignFlipTest.P(differences),
        differences.Count < 2 ? 0 : differences.All(difference => difference > 0) ? 1 : differences.All(difference => difference < 0) ? -1 : 0);
}
