using System.Globalization;
using Distributed.Fabric.Http;
using Distributed.Node.Cluster;
using Distributed.Node.Composition;
using Distributed.Node.Runs;

namespace Distributed.Node.Chaos;

/// <summary>What a chaos run is given.</summary>
internal sealed record ChaosInputs
{
    /// <summary>The run, not begun yet.</summary>
    public required TrainingSession Session { get; init; }

    /// <summary>Nodes besides the learner.</summary>
    public required NodeCounts Nodes { get; init; }

    /// <summary>How the nodes reach each other: http or akka.</summary>
    public string Fabric { get; init; } = "http";

    /// <summary>What is drawn.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How long faults go on.</summary>
    public required TimeSpan Length { get; init; }

    /// <summary>Mean time between two faults.</summary>
    public required TimeSpan MeanGap { get; init; }

    /// <summary>Do the same steps undisturbed afterwards and compare the weights; for synchronous runs.</summary>
    public required bool Compare { get; init; }
}

/// <summary>
/// A cluster of real processes under faults drawn from a seed. Three phases: faults; then everything is healed and the run must make further steps
/// within a time; then it is stopped and its files are checked.
/// </summary>
internal sealed class ChaosRun(ChaosInputs inputs, Action<string> say) : IDisposable
{
    private const int StepsAfterHealing = 3;
    // Long, for a machine that does much else at a higher priority: what is checked is that the run goes on, not how fast.
    private static readonly TimeSpan FirstStepLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan HealingLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(5);
    private readonly ChaosLinks _links = new();
    private readonly List<Task> _undoing = [];

    /// <summary>Runs it; what does not hold is returned.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancel)
    {
        var run = inputs.Session.Prepare();
        var marker = Path.Combine(Path.GetFullPath(run), "disk-is-full");
        ProcessCluster? cluster = null;
        var scorers = LearningSetup.NeedsScores(inputs.Session.Recipe) ? inputs.Nodes.Scorers : 0;
        var plan = new ClusterPlan
        {
            Run = run,
            Rollouts = inputs.Nodes.Rollouts,
            Scorers = scorers,
            LogLearner = true,
            Fabric = inputs.Fabric,
            PortFor = _links.ToLearner,
            ClusterPortFor = inputs.Fabric == "akka" ? _links.ToNode : null,
            Environment = new Dictionary<string, string> { [Disk.FullMarkerVariable] = marker },
        };
        using (cluster = new ProcessCluster(plan, NodeProgram.This(), line => say($"           {line}")))
        {
            var faults = ChaosPlan.Draw(inputs.Seed, inputs.Length.TotalSeconds, inputs.MeanGap.TotalSeconds, [.. cluster.Workers.Select(worker => worker.Name)]);
            say(string.Create(CultureInfo.InvariantCulture, $"seed {inputs.Seed}: {faults.Count} faults in {inputs.Length.TotalSeconds:0} s on {run}"));
            foreach (var fault in faults) say(fault.ToString());

            using var stop = new CancellationTokenSource();
            var over = cluster.RunAsync(stop.Token);
            if (!await UntilStep(run, 1, FirstStepLimit, over, cancel).ConfigureAwait(false)) return [$"no step was done within {FirstStepLimit.TotalMinutes:0} minutes, before any fault"];
            var began = TimeProvider.System.GetTimestamp();
            say("the first step is done; faults begin");
            foreach (var fault in faults)
            {
                var wait = TimeSpan.FromSeconds(fault.AtSeconds) - TimeProvider.System.GetElapsedTime(began);
                if (wait > TimeSpan.Zero) await Task.WhenAny(over, Task.Delay(wait, cancel)).ConfigureAwait(false);
                if (over.IsCompleted || cancel.IsCancellationRequested) break;
                say($"{fault} (step {StepsDone(run)})");
                Do(fault, cluster, marker, cancel);
            }

            await Task.WhenAll(_undoing).ConfigureAwait(false);
            _links.HealAll();
            File.Delete(marker);
            var healed = StepsDone(run);
            say($"healed at step {healed}");
            var wanted = Math.Min(inputs.Session.Recipe.Steps, healed + StepsAfterHealing);
            var goesOn = await UntilStep(run, wanted, HealingLimit, over, cancel).ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
            var stopped = await Task.WhenAny(over, Task.Delay(StopLimit, CancellationToken.None)).ConfigureAwait(false) == over;

            var faultsFound = new List<string>();
            if (!goesOn) faultsFound.Add($"no {StepsAfterHealing} further steps within {HealingLimit.TotalSeconds:0} s after everything was healed; step {StepsDone(run)}");
            if (!stopped) faultsFound.Add($"the cluster did not stop within {StopLimit.TotalSeconds:0} s");
            else if (await over.ConfigureAwait(false) is not 0 and var code) faultsFound.Add($"the learner ended with code {code}; its last lines are in {Path.Combine(run, "nodes", "learner.log")}");
            say($"starts: {string.Join(", ", cluster.Nodes.Select(node => $"{node.Name} {node.Starts}"))}; bytes changed: {_links.Corrupted}");
            if (stopped) faultsFound.AddRange(ChaosChecks.Of(run, inputs.Session.Recipe, inputs.Compare, say, cancel));
            return faultsFound;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _links.Dispose();

    private void Do(ChaosFault fault, ProcessCluster cluster, string marker, CancellationToken cancel)
    {
        var node = cluster.Nodes.First(node => node.Name == fault.Node);
        switch (fault.Kind)
        {
            case ChaosKind.Kill: node.Kill(); break;
            case ChaosKind.Freeze when node.Pid is { } pid:
                Signals.Freeze(pid);
                Undo(() => Signals.Thaw(pid));
                break;
            case ChaosKind.Cut: Link(LinkFault.Cut); break;
            case ChaosKind.Hang: Link(LinkFault.Frozen); break;
            case ChaosKind.Slow: Link(LinkFault.Slow); break;
            case ChaosKind.Corrupt: _links.CorruptNext(fault.Node); break;
            case ChaosKind.DiskFull:
                File.WriteAllText(marker, "");
                Undo(() => File.Delete(marker));
                break;
        }

        void Link(LinkFault how)
        {
            _links.Set(fault.Node, how);
            Undo(() => _links.Set(fault.Node, LinkFault.None));
        }

        void Undo(Action action) => _undoing.Add(Later(action));

        async Task Later(Action action)
        {
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(fault.Seconds), cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Undone at once.
            }

            action();
        }
    }

    private static async Task<bool> UntilStep(string run, long step, TimeSpan limit, Task over, CancellationToken cancel)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (StepsDone(run) < step)
        {
            if (over.IsCompleted || TimeProvider.System.GetElapsedTime(began) > limit) return false;
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }

        return true;
    }

    // Counted rather than parsed: the writer may be in the middle of a line.
    private static int StepsDone(string run)
    {
        var path = RunFolder.LedgerOf(run);
        if (!File.Exists(path)) return 0;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var (lines, buffer) = (0, new byte[64 * 1024]);
        for (int read; (read = file.Read(buffer)) > 0;) lines += buffer.AsSpan(0, read).Count((byte)'\n');
        return lines;
    }
}
