using Distributed.Actors.Coordination;
using Distributed.Actors.Ports;
using Distributed.Actors.Tests.Fakes;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Runs;

/// <summary>How a run ended, with what must hold of every run.</summary>
public sealed record RunOutcome(
    CoordinatorOptions Options,
    MemoryCheckpoints Store,
    RunEnded Ended,
    string? Error,
    IReadOnlyList<StepFinished> Steps,
    IReadOnlyList<EvaluationFinished> Evaluations,
    IReadOnlyList<string> Notices,
    int Lives,
    string? AfterEnd)
{
    /// <summary>Hash of the newest checkpoint's weights.</summary>
    public string WeightsHash => HashEngine.Hash(Store.Kept[^1].Weights);

    /// <summary>Every step done, the books balanced, nothing trained twice, no sample too old, the end reported once.</summary>
    public RunOutcome ShouldBeWhole()
    {
        var story = string.Join('\n', Notices);
        Error.ShouldBeNull(story);
        AfterEnd.ShouldBeNull(story);
        Ended.Version.Value.ShouldBe(Options.Steps, story);
        Store.Kept[^1].Version.ShouldBe(Options.Steps, story);
        ShouldBalance();
        return this;
    }

    /// <summary>The books balance and nothing was trained twice, however far the run came.</summary>
    public RunOutcome ShouldBalance()
    {
        var story = string.Join('\n', Notices);
        var totals = Ended.Totals;
        (totals.Trained + totals.Dropped.Values.Sum() + Ended.Open).ShouldBe(totals.Planned, story);
        var slots = Steps.SelectMany(step => step.Rollouts).Select(rollout => rollout.Trajectory.Slot).ToArray();
        slots.Distinct().Count().ShouldBe(slots.Length, story);
        foreach (var step in Steps)
            foreach (var rollout in step.Rollouts)
                (step.Version.Value - 1 - rollout.Trajectory.OldestVersion.Value).ShouldBeInRange(0, Options.MaxStalenessSteps, story);
        return this;
    }
}
