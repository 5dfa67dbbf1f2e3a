using Distributed.Actors.Ports;
using Distributed.Protocol;
using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Invariants;

/// <summary>What the run reported: steps in order, every slot trained at most once, no sample too old, one end and nothing after it.</summary>
public sealed class History(RunJournal journal, TrainingShape shape) : IRunObserver
{
    private readonly SortedDictionary<long, Slot[]> _trained = [];
    private readonly List<string> _notices = [];
    private long _version = -1;
    private LearnerEpoch _epoch = new(0);

    /// <summary>How the run ended; null if it has not.</summary>
    public RunEnded? Ended { get; private set; }

    /// <summary>Why it ended early; null if it did not.</summary>
    public string? Error { get; private set; }

    /// <summary>Steps whose work stands.</summary>
    public int Steps => _trained.Count;

    /// <summary>What people were told.</summary>
    public IReadOnlyList<string> Notices => _notices;

    /// <summary>Called when a life begins.</summary>
    public Action<PolicyVersion, LearnerEpoch> Started { get; init; } = static (_, _) => { };

    /// <summary>Called when the learner's process has given up or is done.</summary>
    public Action<string?> End { get; init; } = static _ => { };

    /// <summary>A new learner process takes the place of one that gave up.</summary>
    public void Resume() => (Ended, Error) = (null, null);

    /// <inheritdoc/>
    public void OnStarted(PolicyVersion version, LearnerEpoch epoch)
    {
        Alive("a life began");
        journal.Trace("started", (ulong)version.Value);
        journal.Say("learner", $"life {epoch.Value} begins at version {version.Value}");
        if (epoch.Value <= _epoch.Value) journal.Violate("epochs", $"a life under epoch {epoch.Value} began after one under epoch {_epoch.Value}");
        _epoch = epoch;
        foreach (var later in _trained.Keys.Where(step => step > version.Value).ToArray()) _trained.Remove(later);
        _version = version.Value;
        Started(version, epoch);
    }

    /// <inheritdoc/>
    public void OnStep(StepFinished step)
    {
        Alive($"step {step.Version.Value}");
        journal.Trace("step", (ulong)step.Version.Value);
        if (step.Version.Value != _version + 1) journal.Violate("versions", $"step {step.Version.Value} followed version {_version}");
        _version = step.Version.Value;
        var slots = step.Rollouts.Select(rollout => rollout.Trajectory.Slot).ToArray();
        journal.Say("learner", $"version {step.Version.Value} is trained on {slots.Length} rollouts of groups {string.Join(", ", slots.Select(slot => slot.Group).Distinct())}");
        foreach (var slot in slots)
            if (_trained.Values.Any(earlier => earlier.Contains(slot)) || slots.Count(other => other == slot) > 1)
                journal.Violate("trained at most once", $"slot {slot} is trained by step {step.Version.Value} and was trained before");
        _trained[step.Version.Value] = slots;
        foreach (var rollout in step.Rollouts)
        {
            var age = step.Version.Value - 1 - rollout.Trajectory.OldestVersion.Value;
            if (age > shape.MaxStalenessSteps || age < 0)
                journal.Violate("staleness", $"step {step.Version.Value} trained rollout {rollout.Trajectory.Slot}, which is {age} versions old; the bound is {shape.MaxStalenessSteps}");
        }
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationFinished evaluation)
    {
        Alive($"an evaluation of version {evaluation.Version.Value}");
        journal.Trace("evaluation", (ulong)evaluation.Version.Value);
        journal.Say("learner", $"version {evaluation.Version.Value} is evaluated: {evaluation.Success:0.00}");
    }

    /// <inheritdoc/>
    public void OnNotice(string line) => OnNotice("learner", line);

    /// <summary>A node tells people something.</summary>
    public void OnNotice(string node, string line)
    {
        _notices.Add(line);
        journal.Trace("notice", (ulong)line.Length);
        journal.Say(node, line);
        CountPaths(line);
    }

    /// <inheritdoc/>
    public void OnEnded(RunEnded ended, string? error)
    {
        Alive("an end");
        (Ended, Error) = (ended, error);
        journal.Trace("ended", (ulong)(ended.Version.Value + 1));
        journal.Say("learner", error == null ? $"the run is done at version {ended.Version.Value}" : $"the run is given up: {error}");
        if (error == null) CheckTotals(ended);
        else CountPaths($"{error}", "path:run-given-up");
        End(error);
    }

    private void CheckTotals(RunEnded ended)
    {
        if (ended.Version.Value != shape.Steps) journal.Violate("every step is done", $"the run ended at version {ended.Version.Value} of {shape.Steps}");
        if (ended.Totals.Planned != ended.Totals.Trained + ended.Totals.Dropped.Values.Sum() + ended.Open)
            journal.Violate("conservation of slots", $"the run ended with planned {ended.Totals.Planned}, trained {ended.Totals.Trained}, open {ended.Open}");
        if (ended.Open != 0) journal.Violate("every group ends", $"{ended.Open} slots are open at the end");
        foreach (var (reason, _) in ended.Totals.Dropped) journal.Count($"path:dropped:{reason}");
    }

    private void CountPaths(string line, string? also = null)
    {
        if (also != null) journal.Count(also);
        foreach (var (text, path) in Paths)
            if (line.Contains(text, StringComparison.Ordinal)) journal.Count(path);
    }

    private void Alive(string what)
    {
        if (Ended != null) journal.Violate("one end", $"{what} was reported after the run's end");
    }

    // Recovery paths that show in what people are told.
    private static readonly (string Text, string Path)[] Paths =
    [
        ("a new one begins at the newest checkpoint", "path:learner-new-life"),
        ("has a wrong checksum", "path:checksum-refused"),
        ("not applied: nothing within", "path:download-late"),
        ("the connection timed out", "path:download-timed-out"),
        ("the connection broke", "path:download-broke"),
        ("the connection was refused", "path:download-refused"),
        ("is no longer kept", "path:version-no-longer-kept"),
        ("is not finite", "path:update-skipped"),
        ("given up after", "path:slot-given-up"),
        ("trains without information gain", "path:scoring-given-up"),
        ("no progress for", "path:stall-named"),
        ("could not be saved", "path:save-failed"),
        ("is left out: the one before", "path:checkpoint-left-out"),
        ("is torn and passed over", "path:torn-passed-over-said"),
        ("is refused: ", "path:answer-refused"),
    ];
}
