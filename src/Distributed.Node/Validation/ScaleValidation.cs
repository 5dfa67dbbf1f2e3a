using System.Globalization;
using System.Text.Json;
using Distributed.Fabric.Http;
using Distributed.Node.Cluster;
using Distributed.Node.Commands;
using Distributed.Simulation.Scaling;

namespace Distributed.Node.Validation;

/// <summary>
/// Compares the simulator's prediction with real processes on this machine: the same actors over real sockets and real clocks, with engines and tools that sleep as long as the same
/// cost model says, so that a machine of few cores can stand for many. What is left over is what the simulator does not model.
/// </summary>
internal static class ScaleValidation
{
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(2);

    /// <summary>Work of some seconds a step: short enough to wait for.</summary>
    public static CostModel Costs { get; } = new()
    {
        EpisodesPerNode = 8, RolloutTokensPerSecond = 1500, EpisodeTokensPerSecond = 250, PrefillTokensPerSecond = 20_000, ScoreTokensPerSecond = 20_000, TrainTokensPerSecond = 10_000,
        MeanTurns = 3, MaxTurns = 6, TurnTokens = 100, TurnTokensSigma = 0.5, PromptTokens = 100, ReplyTokens = 50, ToolSeconds = 0.2, ToolSigma = 0.5,
        WeightBytes = CostEngine.Bytes, LoadSeconds = 0.2, CheckpointSeconds = 0.2,
    };

    /// <summary>Runs every case twice, simulated and for real, and prints both.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<ScalingCase> cases, CancellationToken cancel)
    {
        Console.WriteLine(" rollout processes  staleness | predicted s/step  measured s/step   error");
        foreach (var one in cases)
        {
            var predicted = ScalingRun.Of(one, cancel).SteadySecondsPerStep;
            var limit = TimeSpan.FromSeconds(3 * predicted * one.Steps) + Slack;
            var measured = await MeasureAsync(one, limit, cancel).ConfigureAwait(false);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{one.Nodes,18} {one.Staleness,10} | {predicted,16:0.000} {measured,16:0.000} {(predicted / measured) - 1,8:+0.0%;-0.0%}"));
        }

        return 0;
    }

    private static async Task<double> MeasureAsync(ScalingCase experiment, TimeSpan limit, CancellationToken cancel)
    {
        var secret = ClusterSecret.Random();
        var folder = Directory.CreateTempSubdirectory("distributed-validation-");
        List<NodeProcess> nodes = [];
        try
        {
            var file = Path.Combine(folder.FullName, "case.json");
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(experiment, ScaleCommand.Json), cancel).ConfigureAwait(false);
            await using var learner = new SleepingLearner(experiment, new HttpSecurity(secret));
            for (var number = 0; number < experiment.Nodes + experiment.Scorers; number++)
            {
                var (role, index) = number < experiment.Nodes ? ("rollout", number) : ("scorer", number - experiment.Nodes);
                var name = string.Create(CultureInfo.InvariantCulture, $"{role}-{index}");
                string[] arguments = ["scale-node", "--role", role, "--name", name, "--join", learner.Address.ToString(), "--case", file];
                nodes.Add(new NodeProcess(NodeProgram.This(), new NodeStart(name, arguments, Path.Combine(folder.FullName, name + ".log"),
                    new Dictionary<string, string> { [ClusterSecret.EnvironmentVariable] = secret.Text }), RestartPolicy.Default, mayRetry: () => false, Console.Error.WriteLine));
            }

            var running = Task.WhenAll(nodes.Select(node => node.RunAsync()));
            var first = await Task.WhenAny(learner.SecondsPerStep, running, Task.Delay(limit, cancel)).ConfigureAwait(false);
            if (first == learner.SecondsPerStep) return await learner.SecondsPerStep.ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            throw new RefusedException(first == running ? "the processes ended before the run did" : string.Create(CultureInfo.InvariantCulture, $"the run did not end within {limit.TotalSeconds:0} s"));
        }
        finally
        {
            foreach (var node in nodes) node.AskToEnd();
            foreach (var node in nodes) node.Dispose();
            folder.Delete(recursive: true);
        }
    }
}
