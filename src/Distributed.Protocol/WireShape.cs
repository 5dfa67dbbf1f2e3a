namespace Distributed.Protocol;

/// <summary>
/// What a decoded message must be besides well-formed MessagePack: nothing missing, numbers in range, lengths that agree. MessagePack itself reads
/// a nil or absent array as null, which no code behind the codec expects.
/// </summary>
internal static class WireShape
{
    /// <summary>Most leases a worker may offer to hold.</summary>
    private const int MaxCapacity = 1 << 16;

    /// <summary>What is wrong with a message or ledger, or null.</summary>
    public static string? Fault(object value) => value switch
    {
        WorkerReady ready => Of(ready.Worker) ?? Known(ready.Role)
            ?? (ready.Capacity is < 1 or > MaxCapacity ? $"capacity {ready.Capacity} is not in 1..{MaxCapacity}" : null),
        LeaseFailed failed => Of(failed.Worker) ?? Missing(failed.Reason, "reason"),
        LeaseSettled => null,
        RolloutLeaseGranted granted => Missing(granted.Job, "job") ?? Of(granted.Job) ?? Terms(granted.Attempt, granted.TimeoutMs),
        RolloutCompleted completed => Of(completed.Worker) ?? Missing(completed.Trajectory, "trajectory") ?? Of(completed.Trajectory),
        ScoreLeaseGranted granted => Missing(granted.Job, "job") ?? Of(granted.Job) ?? Terms(granted.Attempt, granted.TimeoutMs),
        ScoreCompleted completed => Of(completed.Worker) ?? Missing(completed.Scores, "scores") ?? Of(completed.Scores),
        PolicyPublished published => Of(published.Source) ?? Missing(published.Manifest, "manifest") ?? Of(published.Manifest)
            ?? (published.Ranges is { } ranges ? Of(ranges) : null) ?? (published.Delta is { } delta ? Missing(delta.Ranges, "ranges") ?? Of(delta.Ranges) : null),
        PolicyWanted wanted => Of(wanted.Node) ?? (wanted.Failed is { } failed ? Of(failed) : null),
        LedgerSnapshot ledger => Of(ledger),
        _ => $"{value.GetType().Name} has no shape; add it to WireShape",
    };

    private static string? Of(NodeId node) => string.IsNullOrEmpty(node.Value) ? "a node without a name" : null;

    private static string? Of(RolloutJob job) => job.ProblemIndex < 0 ? $"problem {job.ProblemIndex} is negative" : null;

    private static string? Of(Trajectory trajectory)
    {
        if ((Missing(trajectory.ProblemId, "problem id") ?? Missing(trajectory.Category, "category") ?? Missing(trajectory.GoldenAnswers, "golden answers")
            ?? Missing(trajectory.Turns, "turns") ?? Known(trajectory.End) ?? Tokens(trajectory.PromptTokens, "prompt")) is { } fault) return fault;
        if (trajectory.GoldenAnswers.Contains(null!)) return "a golden answer is missing";
        foreach (var turn in trajectory.Turns)
        {
            if ((Missing(turn, "turn") ?? Tokens(turn.Tokens, "turn") ?? Tokens(turn.ObservationTokens, "observation") ?? Missing(turn.LogProbs, "log-probabilities")) is { } wrong)
                return wrong;
            if (turn.LogProbs.Length != turn.Tokens.Length) return $"{turn.LogProbs.Length} log-probabilities for {turn.Tokens.Length} tokens";
            if (turn.PolicyLogProbs.Length != turn.Tokens.Length) return $"{turn.PolicyLogProbs.Length} log-probabilities of the model for {turn.Tokens.Length} tokens";
            if (turn.SampledBy is { } runs && Runs(runs, turn) is { } uneven) return uneven;
        }

        return null;
    }

    private static string? Runs(SampledRun[] runs, TurnRecord turn)
    {
        long tokens = 0;
        foreach (var run in runs)
        {
            if (Missing(run, "run of a version") is { } missing) return missing;
            if (run.Tokens < 1) return $"a run of {run.Tokens} tokens";
            tokens += run.Tokens;
        }

        return runs.Length > 0 && tokens == turn.Tokens.Length && runs[^1].Version == turn.Version ? null : $"runs of {tokens} tokens for {turn.Tokens.Length} of version {turn.Version.Value}";
    }

    private static string? Of(ScoreJob job)
    {
        if ((Tokens(job.Tokens, "score") ?? Missing(job.Boundaries, "boundaries") ?? Missing(job.Answers, "answers")) is { } fault) return fault;
        var last = 0;
        foreach (var boundary in job.Boundaries)
        {
            if (boundary <= last || boundary > job.Tokens.Length) return $"boundary {boundary} after {last} does not ascend within {job.Tokens.Length} tokens";
            last = boundary;
        }

        foreach (var answer in job.Answers)
        {
            if ((Missing(answer, "answer") ?? Tokens(answer.Tokens, "answer")) is { } wrong) return wrong;
            if (answer.SpanStart < 0 || answer.SpanLength < 1 || answer.SpanLength > answer.Tokens.Length - answer.SpanStart)
                return $"answer span {answer.SpanStart}+{answer.SpanLength} lies outside {answer.Tokens.Length} tokens";
        }

        return null;
    }

    private static string? Of(TurnScores scores)
    {
        if (Missing(scores.AnswerLogProbs, "scores") is { } fault) return fault;
        foreach (var boundary in scores.AnswerLogProbs)
        {
            if (Missing(boundary, "scores of a boundary") is { } missing) return missing;
            if (boundary.Length != scores.AnswerLogProbs[0].Length) return "boundaries with different numbers of answers";
        }

        return null;
    }

    private static string? Of(WeightManifest manifest)
    {
        if (manifest.TotalBytes < 0) return $"{manifest.TotalBytes} bytes in total";
        if (Missing(manifest.Tensors, "tensors") is { } fault) return fault;
        foreach (var tensor in manifest.Tensors)
        {
            if ((Missing(tensor, "tensor") ?? Missing(tensor.Name, "tensor name") ?? Missing(tensor.Dtype, "dtype") ?? Missing(tensor.Shape, "shape")) is { } wrong) return wrong;
            if (tensor.Offset < 0 || tensor.Length < 0 || tensor.Length > manifest.TotalBytes - tensor.Offset)
                return $"tensor {tensor.Name} at {tensor.Offset}+{tensor.Length} lies outside {manifest.TotalBytes} bytes";
        }

        return null;
    }

    private static string? Of(ImageRanges ranges)
    {
        if (Missing(ranges.Crc32C, "checksums of ranges") is { } fault) return fault;
        if (ranges.TotalBytes < 0 || ranges.RangeBytes < 1) return $"{ranges.TotalBytes} bytes in ranges of {ranges.RangeBytes}";
        var count = (ranges.TotalBytes / ranges.RangeBytes) + (ranges.TotalBytes % ranges.RangeBytes == 0 ? 0 : 1);
        return count == ranges.Crc32C.Length ? null : $"{ranges.Crc32C.Length} checksums for {count} ranges";
    }

    private static string? Of(LedgerSnapshot ledger)
    {
        if ((Missing(ledger.Totals, "totals") ?? Missing(ledger.Totals?.Dropped, "drop counts") ?? Missing(ledger.Groups, "groups")) is { } fault) return fault;
        if (ledger.Version.Value < 0 || ledger.NextGroup < 0) return $"version {ledger.Version.Value} or next group {ledger.NextGroup} is negative";
        if (ledger.Totals!.Planned < 0 || ledger.Totals.Trained < 0 || ledger.Totals.Dropped.Values.Any(count => count < 0)) return "a negative count";
        long last = -1;
        foreach (var group in ledger.Groups)
        {
            if ((Missing(group, "group") ?? Missing(group?.Slots, "slots")) is { } missing) return missing;
            if (group!.Group <= last || group.Group >= ledger.NextGroup) return $"group {group.Group} after {last} does not ascend below {ledger.NextGroup}";
            last = group.Group;
            foreach (var slot in group.Slots)
            {
                if ((Missing(slot, "slot") ?? (slot.Trajectory is { } trajectory ? Of(trajectory) : null) ?? (slot.Scores is { } scores ? Of(scores) : null)) is { } wrong) return wrong;
                if (slot.Attempt < 0 || (slot.Scores != null && slot.Trajectory == null)) return $"a slot of group {group.Group} that cannot be";
            }
        }

        return null;
    }

    private static string? Terms(int attempt, int timeoutMs) =>
        attempt < 0 || timeoutMs < 1 ? $"attempt {attempt} within {timeoutMs} ms" : null;

    private static string? Tokens(int[]? tokens, string what)
    {
        if (tokens == null) return $"no {what} tokens";
        foreach (var token in tokens)
            if (token < 0) return $"{what} token {token} is negative";
        return null;
    }

    private static string? Known<TEnum>(TEnum value)
        where TEnum : struct, Enum => Enum.IsDefined(value) ? null : $"{typeof(TEnum).Name} {value} is unknown";

    private static string? Missing(object? part, string what) => part == null ? $"no {what}" : null;
}
