using Distributed.Node.Runs;

namespace Distributed.Node.Reports;

/// <summary>Picks the trajectories a report shows: a success and a failure each from the beginning, the middle and the end of a run.</summary>
internal sealed class TrajectoryChoice(int lastStep)
{
    private static readonly string[] Times = ["Early", "Midway", "Late"];
    private readonly Dictionary<(int Time, bool Success), TrajectoryRecord> chosen = [];

    /// <summary>The chosen ones under the names of their times.</summary>
    public IEnumerable<(string Time, IReadOnlyList<TrajectoryRecord> Trajectories)> Chosen => Times
        .Select((name, time) => (name, (IReadOnlyList<TrajectoryRecord>)[.. new[] { true, false }.Where(s => chosen.ContainsKey((time, s))).Select(s => chosen[(time, s)])]))
        .Where(entry => entry.Item2.Count > 0);

    /// <summary>Looks at one.</summary>
    public void Consider(TrajectoryRecord trajectory)
    {
        var share = lastStep == 0 ? 0 : (double)trajectory.Step / lastStep;
        var time = share <= 0.1 ? 0 : share is > 0.4 and < 0.6 ? 1 : share >= 0.9 ? 2 : -1;
        if (time < 0)
        {
            return;
        }
        var key = (time, trajectory.Outcome == "correct");
        if (!chosen.TryGetValue(key, out var held) || Interest(trajectory) > Interest(held))
        {
            chosen[key] = trajectory;
        }
    }

    // More turns to read, and advantages that are not all zero; of equals the first.
    private static int Interest(TrajectoryRecord trajectory) =>
        trajectory.Turns.Count * 2 + (trajectory.Turns.Any(turn => turn.Advantage is { } a && a != 0) ? 3 : 0);
}
