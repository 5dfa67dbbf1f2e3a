using System.Globalization;
using System.Text;
using Distributed.Simulation.Scaling;

namespace Distributed.Node.Simulation;

/// <summary>Scaling results as lines and as CSV.</summary>
internal static class ScalingTable
{
    /// <summary>Heads of the columns.</summary>
    public const string Head = " nodes scorers stale spread  mtbf h | s/step  rollouts/h  tokens/s  effic. | rollout scorer learner upload busy | GB/step  age    lost steps  failures | h/1000 steps | waits for";

    /// <summary>One result. Efficiency is throughput for each node, against the first size with the same other settings.</summary>
    public static string Row(ScalingResult result, IReadOnlyList<ScalingResult> all)
    {
        var c = result.Case;
        return Line($"{c.Nodes,6} {c.Scorers,7} {c.Staleness,5} {Name(c.Spread),-6} {c.MtbfHours,7:0.#} | {result.SecondsPerStep,6:0.0} {result.RolloutsPerHour,11:0} {result.TokensPerSecond,9:0} {Efficiency(result, all),6:0%} | {result.RolloutBusy,7:0%} {result.ScorerBusy,6:0%} {result.LearnerBusy,7:0%} {result.UploadBusy,6:0%}      | {result.LearnerUploadBytes / 1e9,7:0.0} {result.StalenessMean,4:0.0}/{result.StalenessMax} {result.StepsLost,7} {result.Failures,9}   | {result.HoursTo(1000),12:0.0} | {result.Bottleneck}");
    }

    /// <summary>All results as CSV.</summary>
    public static string Csv(IReadOnlyList<ScalingResult> results)
    {
        var text = new StringBuilder("nodes,scorers,staleness,spread,mtbf_hours,prompts_per_step,group_size,steps,virtual_hours,seconds_per_step,rollouts_per_hour,tokens_per_second,efficiency,rollout_busy,scorer_busy,learner_busy,upload_busy,learner_upload_bytes_per_step,staleness_mean,staleness_max,staleness_shares,dropped,failures,steps_lost,messages,hours_to_1000_steps,trace,bottleneck\n");
        foreach (var r in results)
        {
            var c = r.Case;
            text.AppendLine(Line($"{c.Nodes},{c.Scorers},{c.Staleness},{Name(c.Spread)},{c.MtbfHours},{c.PromptsPerStep},{c.GroupSize},{r.StepsDone},{r.VirtualHours:0.####},{r.SecondsPerStep:0.##},{r.RolloutsPerHour:0.#},{r.TokensPerSecond:0.#},{Efficiency(r, results):0.####},{r.RolloutBusy:0.####},{r.ScorerBusy:0.####},{r.LearnerBusy:0.####},{r.UploadBusy:0.####},{r.LearnerUploadBytes:0},{r.StalenessMean:0.###},{r.StalenessMax},{r.StalenessShares},{r.Dropped},{r.Failures},{r.StepsLost},{r.Messages},{r.HoursTo(1000):0.##},{r.Trace},{r.Bottleneck}"));
        }

        return text.ToString();
    }

    /// <summary>Settings besides the number of nodes.</summary>
    public static string Series(ScalingResult result)
    {
        var c = result.Case;
        return Line($"staleness {c.Staleness}, {Name(c.Spread)}, a scorer for {Math.Max(1, c.Nodes / c.Scorers)}{(c.MtbfHours > 0 ? Line($", mtbf {c.MtbfHours} h") : "")}");
    }

    /// <summary>Throughput for each node, against the first size with the same other settings.</summary>
    public static double Efficiency(ScalingResult result, IReadOnlyList<ScalingResult> all)
    {
        var first = all.First(other => Same(other.Case, result.Case));
        return result.RolloutsPerHour / result.Case.Nodes / (first.RolloutsPerHour / first.Case.Nodes);
    }

    /// <summary>Whether two cases differ in their size alone.</summary>
    public static bool Same(ScalingCase one, ScalingCase other) => (one.Staleness, one.Spread, one.MtbfHours) == (other.Staleness, other.Spread, other.MtbfHours)
        && (one.Scorers == other.Scorers || Math.Max(1, one.Nodes / one.Scorers) == Math.Max(1, other.Nodes / other.Scorers) || one.Scorers == 1 || other.Scorers == 1);

    private static string Name(WeightSpread spread) => spread.ToString().ToLowerInvariant();

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
