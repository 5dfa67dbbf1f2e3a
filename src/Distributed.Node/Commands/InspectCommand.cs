using System.CommandLine;
using System.Globalization;
using Distributed.Node.CreditFiles;
using Distributed.Node.Runs;
using Distributed.Node.Terminal;
using Spectre.Console;

namespace Distributed.Node.Commands;

/// <summary><c>distributed inspect</c>: trajectories of a run, turn by turn.</summary>
internal static class InspectCommand
{
    private static readonly string[] Outcomes = ["correct", "wrong", "malformed", "turns_exhausted", "truncated"];

    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "A run folder." };
        var step = new Option<int?>("--step") { Description = "Of this step; else of the newest step that kept any." };
        var group = new Option<long?>("--group") { Description = "Of this group only: rollouts of one prompt side by side." };
        var outcome = new Option<string?>("--outcome") { Description = $"Only those that ended so: {string.Join(", ", Outcomes)}." };
        outcome.AcceptOnlyFromAmong(Outcomes);
        var limit = new Option<int>("--limit") { Description = "How many to show.", DefaultValueFactory = _ => 4 };
        var groups = new Option<bool>("--groups") { Description = "Write whole groups as JSON for `distributed credit` instead: docs/credit-format.md." };
        var output = new Option<string?>("--out") { Description = "The file for --groups." };
        var ledger = new Option<bool>("--ledger") { Description = "Account for every rollout of the run instead: prove from its files that none is lost and none was trained on twice." };
        var command = new Command("inspect", "Read what the agent did: what it wrote and read at every turn, what the turn was worth, and what it was trained with.")
        {
            run, step, group, outcome, limit, groups, output, ledger,
        };
        command.SetAction(parsed => parsed.GetValue(ledger) ? ProveLedger(parsed.GetValue(run)!) : parsed.GetValue(groups) ? WriteGroups(parsed.GetValue(run)!, parsed.GetValue(step), parsed.GetValue(output)) : Show(
            parsed.GetValue(run)!,
            trajectory => (parsed.GetValue(group) is not { } g || trajectory.Group == g) && (parsed.GetValue(outcome) is not { } o || trajectory.Outcome == o),
            parsed.GetValue(step),
            parsed.GetValue(limit)));
        return command;
    }

    private static int ProveLedger(string run)
    {
        var proof = LedgerProof.Of(run);
        foreach (var line in proof.Lines) Console.WriteLine(line);
        if (proof.Faults.Count == 0) return 0;
        foreach (var fault in proof.Faults) Console.Error.WriteLine($"distributed: {fault}");
        return 1;
    }

    private static int WriteGroups(string run, int? step, string? output)
    {
        if (output is null)
        {
            throw new RefusedException("--groups writes a file; name it with --out, for example --out groups.json");
        }
        var groups = RunGroups.Read(run, step);
        using var stream = new MemoryStream();
        GroupsFile.Write(stream, groups);
        Disk.Guard(output, () => File.WriteAllBytes(output, stream.ToArray()));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}: {groups.Count} groups of steps {groups.Min(group => group.Step)} to {groups.Max(group => group.Step)}, {groups.Sum(group => group.Group.Rollouts.Length)} rollouts"));
        return 0;
    }

    private static int Show(string run, Func<TrajectoryRecord, bool> wanted, int? step, int limit)
    {
        RunFolder.CheckIsRun(run);
        var found = new List<TrajectoryRecord>();
        var kept = new SortedSet<int>();
        foreach (var trajectory in TrajectoryLog.Read(RunFolder.TrajectoriesOf(run)))
        {
            kept.Add(trajectory.Step);
            if (!wanted(trajectory) || (step is { } only && trajectory.Step != only))
            {
                continue;
            }
            if (step is null && found.Count > 0 && found[0].Step != trajectory.Step)
            {
                found.Clear();
            }
            if (found.Count < limit)
            {
                found.Add(trajectory);
            }
        }
        if (found.Count == 0)
        {
            throw new RefusedException(kept.Count == 0
                ? $"{RunFolder.TrajectoriesOf(run)}: holds no trajectory yet; train first, with report.groups_per_step above 0"
                : string.Create(CultureInfo.InvariantCulture, $"{RunFolder.TrajectoriesOf(run)}: none of its trajectories is like that; it has steps {kept.Min} to {kept.Max}"));
        }
        var console = StandardOutput.Open();
        foreach (var trajectory in found)
        {
            console.Write(TrajectoryBlock.Render(trajectory));
            console.WriteLine();
        }
        return 0;
    }
}
