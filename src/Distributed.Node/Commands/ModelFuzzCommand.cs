using System.CommandLine;
using System.Globalization;
using Distributed.Node.Fuzzing;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model fuzz</c>: puts broken files through every reader and fails if one of them does not refuse as it should.</summary>
internal static class ModelFuzzCommand
{
    private const string All = "all";

    public static Command Create()
    {
        var kind = new Option<string>("--kind") { Description = $"What to break: {string.Join(", ", FuzzTargets.Kinds)}, or all of them.", DefaultValueFactory = _ => All };
        kind.AcceptOnlyFromAmong([.. FuzzTargets.Kinds, All]);
        var count = new Option<int>("--count") { Description = "How many inputs of each kind.", DefaultValueFactory = _ => 100_000 };
        var seed = new Option<ulong>("--seed") { Description = "Which inputs: the same seed breaks the same way.", DefaultValueFactory = _ => 1 };
        var keep = new Option<string?>("--keep") { Description = "Save inputs that fail in this folder." };
        var command = new Command("fuzz", "Put broken model files through their readers; every one must be read or refused in one line, quickly and in bounded memory.") { kind, count, seed, keep };
        command.SetAction((parsed, cancel) => Task.FromResult(Run(parsed.GetValue(kind)!, parsed.GetValue(count), parsed.GetValue(seed), parsed.GetValue(keep), cancel)));
        return command;
    }

    private static int Run(string kind, int count, ulong seed, string? keep, CancellationToken cancel)
    {
        if (count < 1)
            throw new RefusedException($"--count {count}; give at least 1");
        using var targets = new FuzzTargets();
        var failures = new List<string>();
        Console.Out.WriteLine(Row("kind", "inputs", "read", "refused", "complaints", "failed", "slowest ms", "most MiB"));
        foreach (var name in kind == All ? FuzzTargets.Kinds : [kind])
        {
            var outcome = FuzzRun.Run(targets.Of(name), count, seed, keep, cancel);
            Console.Out.WriteLine(Row(
                name, outcome.Inputs, outcome.Accepted, outcome.Refused, outcome.Complaints, outcome.Failed, outcome.Slowest.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture),
                (outcome.MostBytes / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture)));
            failures.AddRange(outcome.Failures);
        }

        foreach (var failure in failures)
            Console.Error.WriteLine($"distributed: {failure}");
        return failures.Count == 0 ? 0 : 1;
    }

    private static string Row(params object[] cells) =>
        string.Concat(cells.Select((cell, i) => Convert.ToString(cell, CultureInfo.InvariantCulture)!.PadLeft(i == 0 ? 0 : 12).PadRight(i == 0 ? 12 : 0))).TrimEnd();
}
