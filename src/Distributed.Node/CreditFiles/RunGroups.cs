using System.Globalization;
using Distributed.Actors.Learning;
using Distributed.Credit;
using Distributed.Node.Composition;
using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Ports;

namespace Distributed.Node.CreditFiles;

/// <summary>Scored groups out of a run's trajectories, as its estimator saw them.</summary>
internal static class RunGroups
{
    /// <summary>The kept groups of a step, or of all steps, in the order they were kept.</summary>
    /// <exception cref="RefusedException">The run kept none.</exception>
    public static IReadOnlyList<FileGroup> Read(string run, int? step)
    {
        RunFolder.CheckIsRun(run);
        var path = RunFolder.TrajectoriesOf(run);
        var kept = TrajectoryLog.Read(path).ToList();
        var judge = JudgeOf(run);
        var groups = kept
            .Where(trajectory => step is null || trajectory.Step == step)
            .GroupBy(trajectory => (trajectory.Step, trajectory.Group))
            .Select(group => Group(group.Key.Step, group.Key.Group, [.. group.OrderBy(trajectory => trajectory.Sample)], judge))
            .ToArray();
        if (groups.Length > 0) return groups;
        throw new RefusedException(kept.Count == 0
            ? $"{path}: holds no trajectory yet; train first, with report.groups_per_step above 0"
            : string.Create(CultureInfo.InvariantCulture, $"{path}: has none of step {step}; it has steps {kept.Min(t => t.Step)} to {kept.Max(t => t.Step)}"));
    }

    // The run's own environment, only where a shaper of its recipe asked it.
    private static ITurnJudge? JudgeOf(string run)
    {
        var recipe = RecipeFile.ReadTraining(RunFolder.RecipeOf(run), []);
        return TurnJudging.Asked(recipe) ? TurnJudging.For(recipe, RunParts.WorldAlone(recipe)) : null;
    }

    /// <summary>A trajectory as estimators see it.</summary>
    internal static ScoredRollout Score(TrajectoryRecord trajectory, ITurnJudge? judge = null)
    {
        var turns = trajectory.Turns;
        var judged = judge?.Judge(trajectory.ProblemId, [.. turns.Select(turn => new TurnText(turn.Action, turn.Observation))]);
        var gains = turns.Take(turns.Count - 1).Select(turn => turn.InformationGain).ToArray();
        return new ScoredRollout(
            trajectory.Reward,
            [.. turns.Select(turn => turn.Tokens)],
            gains.Length == 0 || gains.All(gain => gain is null) ? null : [.. gains.Select(gain => gain ?? double.NaN)])
        {
            Signals =
            [
                .. turns.Select((turn, t) => new TurnSignals
                {
                    Anchor = t == 0 ? "" : turns[t - 1].Observation ?? "",
                    Malformed = trajectory.Outcome == "malformed" && t == turns.Count - 1,
                    CalledTool = t < turns.Count - 1,
                    Code = ProgramTexts.Of(turn.Action),
                    RetrievalRank = judged?[t].RetrievalRank,
                    ToolCalls = CreditAssignment.Match(judged?[t]),
                    ProcessReward = turn.ProcessReward,
                }),
            ],
        };
    }

    private static FileGroup Group(int step, long group, IReadOnlyList<TrajectoryRecord> trajectories, ITurnJudge? judge) => new(
        step,
        new ScoredGroup(group.ToString(CultureInfo.InvariantCulture), [.. trajectories.Select(trajectory => Score(trajectory, judge))]),
        [.. trajectories.Select(trajectory => trajectory.Turns.All(turn => turn.Advantage is not null) ? (IReadOnlyList<double>?)[.. trajectory.Turns.Select(turn => turn.Advantage!.Value)] : null)]);
}
