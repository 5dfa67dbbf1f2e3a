using Distributed.Protocol;

namespace Distributed.Actors.Ports;

/// <summary>
/// Watches a run from the learner's node: metrics, trajectories, the end. Called from actors, so it must return at once and never throw;
/// an implementation hands the work to a thread of its own.
/// </summary>
public interface IRunObserver
{
    /// <summary>A learner's life begins at a version: 0, or that of the checkpoint it resumed from. Anything reported for later steps is void.</summary>
    void OnStarted(PolicyVersion version, LearnerEpoch epoch);

    /// <summary>A learner step was done.</summary>
    void OnStep(StepFinished step);

    /// <summary>
    /// What became of every slot of a step's groups. Reported before a checkpoint of that step is saved: a record of these, cut off where a life
    /// begins, says of each slot of the run exactly once how it ended.
    /// </summary>
    void OnSettled(StepSettled settled)
    {
    }

    /// <summary>A held-out evaluation was done. That of the version a life begins at may be reported a second time, with the same numbers in synchronous runs.</summary>
    void OnEvaluation(EvaluationFinished evaluation);

    /// <summary>Something a person should read: a stall, a skipped step, a restart.</summary>
    void OnNotice(string line);

    /// <summary>The run is over: <paramref name="error"/> is null if it ended as planned.</summary>
    void OnEnded(RunEnded ended, string? error);
}

/// <summary>A learner step: metrics by name (docs/algorithms.md lists them) and its groups with the credit they were given.</summary>
/// <param name="Version">The version the step made.</param>
/// <param name="Metrics">Values by name.</param>
/// <param name="Rollouts">Every trained-on rollout with its credit, in slot order.</param>
public sealed record StepFinished(PolicyVersion Version, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<CreditedRollout> Rollouts);

/// <summary>The groups a step used up.</summary>
/// <param name="Version">The version the step made.</param>
/// <param name="Epoch">The learner's life it was done in.</param>
/// <param name="Groups">Its groups, in training order.</param>
public sealed record StepSettled(PolicyVersion Version, LearnerEpoch Epoch, IReadOnlyList<SettledGroup> Groups);

/// <summary>How the slots of a group ended, by their samples' numbers.</summary>
/// <param name="Group">The group.</param>
/// <param name="Trained">Samples that were trained on.</param>
/// <param name="Dropped">The others, by reason.</param>
public sealed record SettledGroup(long Group, IReadOnlyList<int> Trained, IReadOnlyList<DroppedSamples> Dropped);

/// <summary>Samples of a group that were given up for one reason.</summary>
public sealed record DroppedSamples(string Reason, IReadOnlyList<int> Samples);

/// <summary>A trajectory with what each turn earned. Arrays have one element a turn.</summary>
/// <param name="Trajectory">What happened.</param>
/// <param name="InformationGain">Gain of each tool turn; null where there is none (the final turn, or no valid score).</param>
/// <param name="Advantage">Advantage of each turn.</param>
/// <param name="ClipScale">Clip scale of each turn.</param>
public sealed record CreditedRollout(Trajectory Trajectory, IReadOnlyList<double?> InformationGain, IReadOnlyList<double> Advantage, IReadOnlyList<double> ClipScale)
{
    /// <summary>Reward of each turn by a process reward model; empty or null where there is none.</summary>
    public IReadOnlyList<double?> ProcessReward { get; init; } = [];
}

/// <summary>Greedy success on held-out problems under one version, by category.</summary>
public sealed record EvaluationFinished(PolicyVersion Version, IReadOnlyList<CategorySuccess> Categories)
{
    /// <summary>Share of all questions answered right.</summary>
    public double Success => Categories.Sum(category => category.Correct) / (double)Math.Max(1, Categories.Sum(category => category.Questions));
}

/// <summary>How many of a category's questions were answered right.</summary>
public sealed record CategorySuccess(string Category, int Correct, int Questions);

/// <summary>
/// The end of a run, with the accounting that must add up: planned = trained + dropped (by reason) + open. A run that failed has version -1 and no
/// accounting; its checkpoints have theirs.
/// </summary>
public sealed record RunEnded(PolicyVersion Version, LedgerTotals Totals, long Open);
