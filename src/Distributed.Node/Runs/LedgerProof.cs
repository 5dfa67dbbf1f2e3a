using System.Globalization;
using Distributed.Actors.Ports;
using Distributed.Node.Checkpoints;
using Distributed.Node.Composition;
using Distributed.Protocol;

namespace Distributed.Node.Runs;

/// <summary>What the files of a run say about its rollouts: lines for people, and what does not add up.</summary>
/// <param name="Lines">What holds.</param>
/// <param name="Faults">What does not; empty if the run lost nothing and trained on nothing twice.</param>
internal sealed record LedgerProof(IReadOnlyList<string> Lines, IReadOnlyList<string> Faults)
{
    private const int MostFaults = 20;

    /// <summary>
    /// Holds ledger.jsonl, which says of every step how each of its slots ended, against the ledger of every checkpoint, which says how many slots
    /// were planned, trained and dropped so far and which are open.
    /// </summary>
    /// <exception cref="RefusedException">The run has no checkpoint or no ledger.</exception>
    public static LedgerProof Of(string run)
    {
        RunFolder.CheckIsRun(run);
        var checkpoints = CheckpointDirectory.List(RunFolder.CheckpointsOf(run));
        if (checkpoints.Count == 0) throw new RefusedException($"{run}: has no checkpoint yet, so nothing is kept for good; train on, or set checkpoint.every_steps lower");
        var steps = LedgerLog.Read(RunFolder.LedgerOf(run)).ToArray();
        var (lines, faults) = (new List<string>(), new List<string>());
        var whole = 0;
        foreach (var (version, path) in checkpoints)
        {
            LedgerSnapshot ledger;
            try
            {
                CheckpointDirectory.Verify(path);
                ledger = WireCodec.DecodeLedger(File.ReadAllBytes(Path.Combine(path, CheckpointDirectory.LedgerName)));
            }
            catch (Exception error) when (error is BrokenCheckpointException or WireFormatException or IOException)
            {
                lines.Add($"{path}: passed over: {error.Message}");
                continue;
            }

            Check(path, version, ledger, steps, faults);
            if (whole++ == 0) Describe(path, ledger, steps, lines);
        }

        if (whole == 0) faults.Add($"{RunFolder.CheckpointsOf(run)}: holds no whole checkpoint");
        return new LedgerProof(lines, faults.Count <= MostFaults ? faults : [.. faults.Take(MostFaults), $"... and {faults.Count - MostFaults} more"]);
    }

    private static void Describe(string path, LedgerSnapshot ledger, StepSettled[] steps, List<string> lines)
    {
        var kept = steps.Where(step => step.Version.Value <= ledger.Version.Value).ToArray();
        var lives = kept.Select(step => step.Epoch.Value).Distinct().Count();
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"{path}: step {ledger.Version.Value}, trained in {lives} {(lives == 1 ? "life" : "lives")} of the learner"));
        lines.Add(Accounting.Line(ledger.Totals, ledger.Groups.Sum(group => group.Slots.LongCount(slot => slot.DropReason is null))));
        lines.Add(string.Create(CultureInfo.InvariantCulture,
            $"each of {kept.Sum(step => step.Groups.Sum(group => group.Trained.Count))} trained rollouts stands in exactly one of {kept.Length} steps; groups 0 to {ledger.NextGroup - 1} are each settled once or open"));
        if (steps.Length > kept.Length)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{steps.Length - kept.Length} later steps are not in a checkpoint yet"));
    }

    private static void Check(string path, long version, LedgerSnapshot ledger, StepSettled[] all, List<string> faults)
    {
        if (ledger.Version.Value != version) faults.Add($"{path}: holds the ledger of version {ledger.Version.Value}");
        var steps = all.Where(step => step.Version.Value <= version).ToArray();
        for (var index = 0; index < Math.Max(steps.Length, version); index++)
        {
            if (index < steps.Length && steps[index].Version.Value == index + 1) continue;
            faults.Add($"{path}: ledger.jsonl has {(index < steps.Length ? $"step {steps[index].Version.Value}" : "nothing")} where step {index + 1} belongs");
            return;
        }

        var settled = new SortedSet<long>();
        var (trained, dropped) = (0L, new SortedDictionary<string, long>(StringComparer.Ordinal));
        var size = (int?)null;
        foreach (var step in steps)
        {
            foreach (var group in step.Groups)
            {
                if (!settled.Add(group.Group)) faults.Add($"{path}: group {group.Group} is settled again in step {step.Version.Value}");
                int[] samples = [.. group.Trained.Concat(group.Dropped.SelectMany(reason => reason.Samples)).Order()];
                size ??= samples.Length;
                if (!samples.SequenceEqual(Enumerable.Range(0, size.Value))) faults.Add($"{path}: group {group.Group} has rollouts {string.Join(",", samples)} in step {step.Version.Value}");
                trained += group.Trained.Count;
                foreach (var reason in group.Dropped) dropped[reason.Reason] = dropped.GetValueOrDefault(reason.Reason) + reason.Samples.Count;
            }
        }

        var open = 0L;
        foreach (var group in ledger.Groups)
        {
            if (!settled.Add(group.Group)) faults.Add($"{path}: group {group.Group} is open and settled");
            size ??= group.Slots.Length;
            if (group.Slots.Length != size) faults.Add($"{path}: group {group.Group} has {group.Slots.Length} rollouts");
            foreach (var slot in group.Slots)
            {
                if (slot.DropReason is { } reason) dropped[reason] = dropped.GetValueOrDefault(reason) + 1;
                else open++;
            }
        }

        if (settled.Count != ledger.NextGroup || (settled.Count > 0 && (settled.Min != 0 || settled.Max != ledger.NextGroup - 1)))
            faults.Add($"{path}: {ledger.NextGroup} groups were planned, {settled.Count} are settled or open");
        var totals = ledger.Totals;
        if (totals.Planned != ledger.NextGroup * (size ?? 0)) faults.Add($"{path}: {totals.Planned} rollouts planned in {ledger.NextGroup} groups");
        if (totals.Trained != trained) faults.Add($"{path}: {totals.Trained} rollouts trained, ledger.jsonl has {trained}");
        if (!totals.Dropped.OrderBy(entry => entry.Key, StringComparer.Ordinal).SequenceEqual(dropped)) faults.Add($"{path}: dropped {Reasons(totals.Dropped)}, ledger.jsonl and open groups have {Reasons(dropped)}");
        if (totals.Planned != totals.Trained + totals.Dropped.Values.Sum() + open) faults.Add($"{path}: does not add up: {Accounting.Line(totals, open)}");
    }

    private static string Reasons(SortedDictionary<string, long> dropped) => dropped.Count == 0 ? "nothing" : string.Join(", ", dropped.Select(entry => $"{entry.Value} {entry.Key}"));
}
