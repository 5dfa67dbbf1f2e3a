using System.Collections.Immutable;

namespace Distributed.Credit.Bias;

/// <summary>
/// The smallest world in which a policy decides when to stop: twice it answers or uses one of two tools, after two tools it must answer.
/// Everything can be
/// enumerated, so that an estimator's expected gradient is known to the last digit.
/// </summary>
public sealed class StoppingProblem
{
    /// <summary>Depths at which the policy has a choice.</summary>
    public const int Depths = 2;

    /// <summary>Actions it chooses from: answer, tool A, tool B.</summary>
    public const int ActionCount = 3;

    private static readonly double[][] Logits = [[0.3, 0, 0.2], [0.1, -0.2, 0.3]];

    private StoppingProblem(string name, string description, Action<StoppingProblem, List<StoppingTrajectory>> enumerate)
    {
        Name = name;
        Description = description;
        Policy = [.. Logits.Select(Softmax)];
        var trajectories = new List<StoppingTrajectory>();
        enumerate(this, trajectories);
        Trajectories = [.. trajectories];
    }

    /// <summary>Name in tables.</summary>
    public string Name { get; }

    /// <summary>What it is about, in one line.</summary>
    public string Description { get; }

    /// <summary>Probability of each action, [depth][action].</summary>
    public ImmutableArray<ImmutableArray<double>> Policy { get; }

    /// <summary>Every way through it; the probabilities add up to 1.</summary>
    public ImmutableArray<StoppingTrajectory> Trajectories { get; }

    /// <summary>The five problems of docs/algorithms.md.</summary>
    public static IReadOnlyList<StoppingProblem> All { get; } =
    [
        FromSuccess("rich", "searching helps; success is as likely as the answer is after the last tool",
            [0.2, 0.5, 0.3, 0.55, 0.5, 0.6, 0.35]),
        FromSuccess("over_search", "the first search helps, a second one does harm", [0.5, 0.7, 0.6, 0.4, 0.35, 0.45, 0.3]),
        FromSuccess("always_correct_ig_positive", "every rollout succeeds, only the gains differ", [0.2, 0.5, 0.3, 0.55, 0.5, 0.6, 0.35],
            outcome: 1),
        FromNoise("null_ig_independent_of_tool", "gains are noise with a positive mean, outcomes always 0", [0.1, 0.3]),
        FromNoise("null_ig_negative_mean", "gains are noise with a negative mean, outcomes always 0", [-0.1, -0.3]),
    ];

    /// <summary>The exact gradient of the target by the policy's logits, [depth][action].</summary>
    /// <param name="target">The target.</param>
    public double[][] TrueGradient(GradientTarget target)
    {
        var gradient = NewGradient();
        foreach (var trajectory in Trajectories)
        {
            for (var depth = 0; depth < trajectory.Actions.Length; depth++)
                AddScore(gradient[depth], depth, trajectory.Actions[depth], trajectory.Probability * trajectory.Return(target));
        }

        return gradient;
    }

    /// <summary>
    /// What accumulating gains centred per turn index misses for infinitely many rollouts: -sum over k of mean(ig_k | turn k present) *
    /// gradient of Pr(turn k present).
    /// </summary>
    public double[][] TurnIndexBias()
    {
        var bias = NewGradient();
        for (var k = 0; k < Depths; k++)
        {
            var present = Trajectories.Where(trajectory => trajectory.Gains.Length > k).ToArray();
            var likely = present.Sum(trajectory => trajectory.Probability);
            var mean = present.Sum(trajectory => trajectory.Probability * trajectory.Gains[k]) / likely;
            foreach (var trajectory in present)
            {
                for (var depth = 0; depth < trajectory.Actions.Length; depth++)
                    AddScore(bias[depth], depth, trajectory.Actions[depth], -mean * trajectory.Probability);
            }
        }

        return bias;
    }

    /// <summary>Adds weight * gradient of log policy(action) to a row.</summary>
    internal void AddScore(double[] row, int depth, int action, double weight)
    {
        for (var a = 0; a < ActionCount; a++) row[a] += weight * ((a == action ? 1 : 0) - Policy[depth][a]);
    }

    internal static double[][] NewGradient() => [.. Enumerable.Range(0, Depths).Select(_ => new double[ActionCount])];

    /// <summary>Success probability after: nothing, A, B, AA, AB, BA, BB. Gains are its differences; a fixed outcome overrides
    /// success.</summary>
    private static StoppingProblem FromSuccess(string name, string description, double[] success, double? outcome = null) =>
        new(name, description, (problem, all) =>
    {
        Visit([], 1, []);

        void Visit(ImmutableArray<int> tools, double probability, ImmutableArray<double> gains)
        {
            if (tools.Length == Depths)
            {
                End(tools, tools, probability, gains);
                return;
            }

            End([.. tools, 0], tools, probability * problem.Policy[tools.Length][0], gains);
            for (var tool = 1; tool < ActionCount; tool++)
            {
                ImmutableArray<int> next = [.. tools, tool];
                Visit(next, probability * problem.Policy[tools.Length][tool], [.. gains, success[Index(next)] - success[Index(tools)]]);
            }
        }

        void End(ImmutableArray<int> actions, ImmutableArray<int> tools, double probability, ImmutableArray<double> gains)
        {
            var chance = success[Index(tools)];
            if (outcome is { } fixedOutcome)
            {
                all.Add(new StoppingTrajectory(probability, actions, gains, fixedOutcome));
                return;
            }

            all.Add(new StoppingTrajectory(probability * chance, actions, gains, 1));
            all.Add(new StoppingTrajectory(probability * (1 - chance), actions, gains, 0));
        }

        static int Index(ImmutableArray<int> tools) => tools.Length switch { 0 => 0, 1 => tools[0], _ => 1 + 2 * tools[0] + tools[1] - 1 };
    });

    /// <summary>Each tool's gain is one of the values, equally likely.</summary>
    private static StoppingProblem FromNoise(string name, string description, double[] values) => new(name, description, (problem, all) =>
    {
        Visit([], 1, []);

        void Visit(ImmutableArray<int> actions, double probability, ImmutableArray<double> gains)
        {
            if (actions.Length == Depths)
            {
                all.Add(new StoppingTrajectory(probability, actions, gains, 0));
                return;
            }

            all.Add(new StoppingTrajectory(probability * problem.Policy[actions.Length][0], [.. actions, 0], gains, 0));
            for (var tool = 1; tool < ActionCount; tool++)
            {
                foreach (var value in values)
                    Visit([.. actions, tool], probability * problem.Policy[actions.Length][tool] / values.Length, [.. gains, value]);
            }
        }
    });

    private static ImmutableArray<double> Softmax(double[] logits)
    {
        var sum = logits.Sum(Math.Exp);
        return [.. logits.Select(logit => Math.Exp(logit) / sum)];
    }
}
