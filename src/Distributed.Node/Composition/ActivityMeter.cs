using Distributed.Node.Runs;

namespace Distributed.Node.Composition;

/// <summary>Work an engine has done for a role since it began.</summary>
/// <param name="Tokens">Tokens handled.</param>
/// <param name="BusySeconds">Time its engine thread spent on them.</param>
internal readonly record struct Work(long Tokens, double BusySeconds);

/// <summary>How fast and how busy each role was between two looks; null: a role whose nodes are elsewhere. Safe to use from several threads.</summary>
internal sealed class ActivityMeter(TimeProvider time, IReadOnlyList<Func<Work>>? rollouts, IReadOnlyList<Func<Work>>? scorers, Func<Work> learner)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Func<Work>, Work> _last = [];
    private long _since = time.GetTimestamp();

    /// <summary>
    /// Metrics since the last look: tokens a second of a role's own working time (nodes added up), and the share of the time in which its
    /// engines had nothing to do (mean over its nodes).
    /// </summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        lock (_gate)
        {
            var seconds = Math.Max(1e-9, time.GetElapsedTime(_since).TotalSeconds);
            _since = time.GetTimestamp();
            var metrics = new Dictionary<string, double> { ["step_seconds"] = seconds };
            Add(rollouts, MetricNames.RolloutSpeed, MetricNames.RolloutIdle);
            Add(scorers, MetricNames.ScoreSpeed, MetricNames.ScoreIdle);
            Add([learner], MetricNames.TrainSpeed, MetricNames.TrainIdle);
            return metrics;

            void Add(IReadOnlyList<Func<Work>>? nodes, string speed, string idle)
            {
                if (nodes is null) return;
                long tokens = 0;
                double busy = 0;
                foreach (var node in nodes)
                {
                    var (now, before) = (node(), _last.GetValueOrDefault(node));
                    _last[node] = now;
                    tokens += now.Tokens - before.Tokens;
                    busy += now.BusySeconds - before.BusySeconds;
                }

                metrics[speed] = busy > 0 ? tokens / (busy / nodes.Count) : 0;
                metrics[idle] = nodes.Count == 0 ? 1 : Math.Clamp(1 - (busy / nodes.Count / seconds), 0, 1);
            }
        }
    }
}
