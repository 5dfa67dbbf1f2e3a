using System.CommandLine;
using System.Globalization;
using Distributed.Engine.Formats;
using Distributed.Node.Fuzzing;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model fuzz</c>: puts broken files through every reader and fails if one of them does not refuse as it should.</summary>
internal static class ModelFuzzCommand
{
    private const string All = "all";
    private const string Files = "files";

    public static Command Create()
    {
        var kind = new Option<string>("--kind") { Description = $"What to break: {string.Join(", ", FuzzTargets.Kinds)}, {Files} (config.json, safetensors, their index, adapters), or all of them.", DefaultValueFactory = _ => All };
        kind.AcceptOnlyFromAmong([.. FuzzTargets.Kinds, Files, All]);
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
        var failures = new List<string>();
        Console.Out.WriteLine(Row("kind", "inputs", "read", "refused", "failed", "slowest ms", "most MiB"));
        foreach (var name in FuzzTargets.Kinds.Where(name => kind is All || kind == name))
        {
            var outcome = FuzzRun.Run(FuzzTargets.Of(name), count, seed, keep, cancel);
            Print(name, outcome.Inputs, outcome.Accepted, outcome.Refused, outcome.Failed, outcome.Slowest, outcome.MostBytes);
            failures.AddRange(outcome.Failures);
        }

        if (kind is All or Files)
        {
            var report = FormatFuzzer.Run(new FuzzOptions { Inputs = count, Seed = seed }, null, cancel);
            foreach (var tally in report.Tallies)
                Print(tally.Format, tally.Inputs, tally.Accepted, tally.Refused, tally.Inputs - tally.Accepted - tally.Refused, tally.Slowest, tally.MostBytes);
            failures.AddRange(report.Failures.Select(failure => Kept(failure, keep)));
        }

        foreach (var failure in failures)
            Console.Error.WriteLine($"distributed: {failure}");
        return failures.Count == 0 ? 0 : 1;
    }

    private static void Print(string name, int inputs, int read, int refused, int failed, TimeSpan slowest, long mostBytes) => Console.Out.WriteLine(Row(
        name, inputs, read, refused, failed, slowest.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture),
        (mostBytes / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture)));

    // Says what an input did, and saves it if that was asked for.
    private static string Kept(FuzzFailure failure, string? keep)
    {
        var line = $"{failure.Format} input {failure.Number}: {failure.What}";
        if (keep is null)
            return line;
        Directory.CreateDirectory(keep);
        var path = Path.Combine(keep, string.Create(CultureInfo.InvariantCulture, $"{failure.Number}-{failure.Format}"));
        File.WriteAllBytes(path, Convert.FromBase64String(failure.Input));
        return $"{line}; saved as {path}";
    }

    private static string Row(params object[] cells) =>
        string.Concat(cells.Select((cell, i) => Convert.ToString(cell, CultureInfo.InvariantCulture)!.PadLeft(i == 0 ? 0 : 12).PadRight(i == 0 ? 30 : 0))).TrimEnd();
}
