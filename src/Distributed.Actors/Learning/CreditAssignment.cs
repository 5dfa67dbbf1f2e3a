using System.Collections.Immutable;
using Distributed.Actors.Coordination;
using Distributed.Actors.Ports;
using Distributed.Credit;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Actors.Learning;

/// <summary>A row to train on: its sequence for the engine, its turn of every target, its credit and what was recorded while sampling.</summary>
/// <param name="Sequence">Tokens and targets.</param>
/// <param name="TurnIds">Turn of every target.</param>
/// <param name="RolloutLogProbs">Of every target under the distribution it was drawn from: pi_rollout of importance weights.</param>
/// <param name="ModelLogProbs">Of every target under the full softmax at temperature 1 of the weights that sampled it: what a ratio may be taken against.</param>
/// <param name="Credit">Its credit.</param>
/// <param name="Trajectory">What it was made of.</param>
public sealed record TrainRow(
    TrainSequence Sequence, int[] TurnIds, float[] RolloutLogProbs, float[] ModelLogProbs, RolloutCredit Credit, Trajectory Trajectory);

/// <summary>A batch with credit assigned.</summary>
/// <param name="Rows">What is trained on, in slot order.</param>
/// <param name="Rollouts">Every rollout of the batch with its credit, in slot order.</param>
/// <param name="Unused">Slots that are not trained on, with the reason.</param>
/// <param name="BatchTokens">Sampled tokens the loss's mean is taken over.</param>
/// <param name="BatchSequences">Rollouts the loss's mean is taken over.</param>
/// <param name="Metrics">Metrics of the batch before training.</param>
public sealed record AssignedBatch(
    IReadOnlyList<TrainRow> Rows,
    IReadOnlyList<CreditedRollout> Rollouts,
    IReadOnlyDictionary<Slot, string> Unused,
    long BatchTokens,
    long BatchSequences,
    IReadOnlyDictionary<string, double> Metrics);

/// <summary>Scored groups to credited rows: pure.</summary>
public static class CreditAssignment
{
    /// <summary>Drop reason of a slot whose whole group had nothing to teach (<c>filter_groups</c>).</summary>
    public const string Filtered = "filtered";

    /// <summary>Drop reason of a slot all of whose tokens were too far off-policy (<c>rollout_rs</c>).</summary>
    public const string Rejected = "rejected";

    /// <summary>Assigns credit to a batch.</summary>
    /// <param name="batch">Scored groups.</param>
    /// <param name="options">How.</param>
    /// <param name="contributions">What the progress head says of every turn of every rollout, in the batch's order; null without one.</param>
    /// <param name="rewards">What the process reward model says of them; null without one.</param>
    public static AssignedBatch Assign(
        TrainBatch batch, LearningOptions options, IReadOnlyList<double[]>? contributions = null, ProcessRewards? rewards = null)
    {
        var groups = batch.Groups.Where(group => group.Rollouts.Count > 0).ToArray();
        var scored = groups.Select(group => new ScoredGroup(group.Group.ToString(System.Globalization.CultureInfo.InvariantCulture),
            [.. group.Rollouts.Select(rollout => Score(rollout, options))])).ToArray();
        var credited = contributions is null ? scored : Redistribute(scored, contributions, options.Progress?.Redistribute ?? true);
        if (rewards is not null) credited = rewards.PutInto(credited);
        var credit = options.Estimator.Assign(credited);
        var filtered = GroupFilter.Apply(credit, options.Filter);

        var unused = new Dictionary<Slot, string>();
        var keptGroups = filtered.Rows.Select(row => row.Group).ToHashSet();
        long tokens = 0, sequences = 0;
        for (var g = 0; g < groups.Length; g++)
        {
            var dropped = options.Filter.FilterGroups && !keptGroups.Contains(g);
            foreach (var rollout in groups[g].Rollouts)
            {
                if (dropped) unused.Add(rollout.Trajectory.Slot, Filtered);
                else if (SampledTokens(rollout.Trajectory) is > 0 and var count) (tokens, sequences) = (tokens + count, sequences + 1);
            }
        }

        var rows = filtered.Rows.Select(row => Row(groups[row.Group].Rollouts[row.Rollout].Trajectory, row.Credit)).ToArray();
        var rollouts = new List<CreditedRollout>();
        for (var g = 0; g < groups.Length; g++)
            for (var i = 0; i < groups[g].Rollouts.Count; i++)
                rollouts.Add(Credited(groups[g].Rollouts[i].Trajectory, credited[g].Rollouts[i], credit.Groups[g].Rollouts[i]));
        var metrics = Metrics(batch, scored, groups, credit, unused.Count);
        if (contributions is not null) AddProgress(metrics, scored, credited, contributions);
        if (rewards is not null) rewards.AddMetrics(metrics);
        return new AssignedBatch(rows, rollouts, unused, tokens, sequences, metrics);
    }

    private static ScoredGroup[] Redistribute(ScoredGroup[] scored, IReadOnlyList<double[]> contributions, bool redistribute)
    {
        var at = 0;
        return [.. scored.Select(group => group with
        {
            Rollouts = [.. group.Rollouts.Select(rollout => ProgressCredit.Apply(rollout, contributions[at++], redistribute))],
        })];
    }

    private static void AddProgress(Dictionary<string, double> metrics, ScoredGroup[] scored, ScoredGroup[] credited, IReadOnlyList<double[]> contributions)
    {
        double[] outcomes = [.. scored.SelectMany(group => group.Rollouts).Select(rollout => rollout.Outcome)];
        metrics["progress/mse"] = outcomes.Zip(contributions, (outcome, turns) => Math.Pow(turns.Sum() - outcome, 2)).DefaultIfEmpty(0).Average();
        var byTurn = GroupMetrics.Of(credited).GainByTurn;
        for (var turn = 0; turn < byTurn.Length; turn++) metrics[$"progress/by_turn/{turn + 1}"] = byTurn[turn];
    }

    private static ScoredRollout Score(ScoredTrajectory rollout, LearningOptions options)
    {
        ImmutableArray<double>? gains = null;
        if (rollout.Scores is { AnswerLogProbs: { Length: > 0 } byBoundary } && byBoundary[0].Length > 0)
        {
            var byAlias = Enumerable.Range(0, byBoundary[0].Length)
                .Select(alias => (ReadOnlyMemory<double>)byBoundary.Select(boundary => boundary[alias]).ToArray())
                .ToArray();
            gains = InformationGain.FromAliases(byAlias, options.Aliases, options.GainScale).Gains;
        }

        var turns = rollout.Trajectory.Turns;
        var judged = options.Judge?.Invoke(rollout.Trajectory);
        return new ScoredRollout(rollout.Trajectory.Reward, [.. turns.Select(turn => turn.Tokens.Length)], gains)
        {
            Signals = [.. Enumerable.Range(0, turns.Length).Select(turn => Signals(rollout.Trajectory, turn, judged?[turn], options))],
        };
    }

    // What the agent saw when a turn began is the reply to the one before; all rollouts of a group began with the same prompt.
    private static TurnSignals Signals(Trajectory trajectory, int turn, TurnJudgement? judged, LearningOptions options) => new()
    {
        Anchor = turn == 0 ? "" : string.Join(' ', trajectory.Turns[turn - 1].ObservationTokens),
        Malformed = trajectory.End == EpisodeEnd.Malformed && turn == trajectory.Turns.Length - 1,
        CalledTool = turn < trajectory.Turns.Length - 1,
        Code = options.ProgramText(trajectory, turn),
        RetrievalRank = judged?.RetrievalRank,
        ToolCalls = Match(judged),
    };

    /// <summary>A turn's judged tool calls as shapers read them; null without any.</summary>
    public static ToolCallMatch? Match(TurnJudgement? judged) =>
        judged?.Calls is { } calls ? new ToolCallMatch(calls.WellFormed, Calls(calls.Made), Calls(calls.Expected)) : null;

    private static ToolCall[] Calls(IReadOnlyList<NamedCall> calls) => [.. calls.Select(call => new ToolCall(call.Tool, call.Arguments))];

    private static TrainRow Row(Trajectory trajectory, RolloutCredit credit)
    {
        var sampled = SampledSequence.Of(trajectory);
        return new TrainRow(sampled.Sequence, sampled.TurnIds, sampled.RolloutLogProbs, sampled.ModelLogProbs, credit, trajectory);
    }

    private static CreditedRollout Credited(Trajectory trajectory, ScoredRollout scored, RolloutCredit credit)
    {
        var gains = new double?[trajectory.Turns.Length];
        if (scored.HasGains)
            for (var turn = 0; turn < scored.ToolTurnCount; turn++) gains[turn] = scored.Gains!.Value[turn];
        return new CreditedRollout(trajectory, gains, credit.Advantages, credit.ClipScales) { ProcessReward = [.. scored.Signals.Select(signals => signals.ProcessReward)] };
    }

    private static int SampledTokens(Trajectory trajectory) => trajectory.Turns.Sum(turn => turn.Tokens.Length);

    private static Dictionary<string, double> Metrics(TrainBatch batch, ScoredGroup[] scored, TrainGroup[] groups, BatchCredit credit, int filtered)
    {
        var of = GroupMetrics.Of(scored);
        var trajectories = groups.SelectMany(group => group.Rollouts).Select(rollout => rollout.Trajectory).ToArray();
        var count = (double)Math.Max(1, trajectories.Length);
        var toolTurns = trajectories.Sum(trajectory => Math.Max(0, trajectory.Turns.Length - 1));
        var staleness = trajectories.Select(trajectory => (double)(batch.Version.Value - trajectory.OldestVersion.Value)).DefaultIfEmpty(0).ToArray();
        double Share(EpisodeEnd end) => trajectories.Count(trajectory => trajectory.End == end) / count;

        var metrics = new Dictionary<string, double>
        {
            ["reward/mean"] = of.OutcomeMean,
            ["reward/std"] = of.OutcomeStd,
            ["success"] = Share(EpisodeEnd.Correct),
            ["outcome/wrong"] = Share(EpisodeEnd.Wrong),
            ["outcome/malformed"] = Share(EpisodeEnd.Malformed),
            ["outcome/truncated"] = Share(EpisodeEnd.Truncated),
            ["outcome/turns_exhausted"] = Share(EpisodeEnd.TurnsExhausted),
            ["turns/mean"] = of.TurnsMean,
            ["tool_errors"] = trajectories.Sum(trajectory => trajectory.Turns.Count(turn => turn.ToolError)) / (double)Math.Max(1, toolTurns),
            ["advantage_collapse"] = of.AdvantageCollapse,
            ["ig/mean"] = of.GainMean,
            ["ig/std"] = of.GainStd,
            ["ig/missing"] = credit.RolloutsWithoutGain / count,
            ["staleness/mean"] = staleness.Average(),
            ["staleness/max"] = staleness.Max(),
            ["groups/trained"] = groups.Length,
            ["rollouts/total"] = trajectories.Length,
            ["rollouts/filtered"] = filtered,
        };
        for (var turn = 0; turn < of.GainByTurn.Length; turn++) metrics[$"ig/by_turn/{turn + 1}"] = of.GainByTurn[turn];
        return metrics;
    }
}
