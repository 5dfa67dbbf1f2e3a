namespace Distributed.Credit.Bias;

/// <summary>What an estimator's gradient is on average, exactly.</summary>
/// <param name="ExpectedGradient">E[1/G sum over rollouts and turns of A grad log policy], [depth][action].</param>
/// <param name="Bias">That minus the true gradient of the target.</param>
/// <param name="BiasNorm">Euclidean norm of the bias. A method that z-scores also carries a positive scale: compare its signs and zeros,
/// not its sizes.</param>
/// <param name="Cosine">Cosine between the two gradients; 0 if either is zero.</param>
/// <param name="TraceVariance">Trace of the covariance of one group's gradient.</param>
public sealed record GradientReport(double[][] ExpectedGradient, double[][] Bias, double BiasNorm, double Cosine, double TraceVariance);

/// <summary>Exact expectation of an estimator's policy gradient: every multiset of G trajectories, weighted by how likely it is.</summary>
public static class GradientBias
{
    /// <summary>Measures an estimator on a problem.</summary>
    /// <remarks>The work grows as (trajectories + G - 1 choose G): a fraction of a second up to G = 6 on these problems.</remarks>
    /// <param name="problem">The problem.</param>
    /// <param name="estimator">The estimator; it sees one group at a time.</param>
    /// <param name="groupSize">G, 1 to 8.</param>
    /// <param name="target">What its gradient ought to be the gradient of.</param>
    /// <param name="meanOverTokens">Divide each rollout's part by its number of turns, as seq-mean-token-mean does with one token a
    /// turn.</param>
    /// <exception cref="CreditException">The group size is out of range.</exception>
    public static GradientReport Measure(
        StoppingProblem problem, IAdvantageEstimator estimator, int groupSize, GradientTarget target, bool meanOverTokens = false)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(estimator);
        OptionRange.Between("credit bias", "group size", groupSize, 1, 8);
        var rollouts = problem.Trajectories.Select(trajectory => trajectory.ToRollout()).ToArray();
        var expected = StoppingProblem.NewGradient();
        double squares = 0;
        var members = new int[groupSize];
        Visit(0, 0, 1, 0);

        double norm = 0;
        foreach (var value in expected.SelectMany(row => row)) norm += value * value;
        var truth = problem.TrueGradient(target);
        double[][] bias = [.. expected.Select((row, d) => row.Select((value, a) => value - truth[d][a]).ToArray())];
        return new GradientReport(expected, bias, Math.Sqrt(Dot(bias, bias)), Cosine(expected, truth), squares - norm);

        // Ordered draws that give this multiset: G! / product of the multiplicities' factorials, gathered as members are chosen in
        // ascending order.
        void Visit(int chosen, int first, double weight, int repeats)
        {
            if (chosen == groupSize)
            {
                Add(weight);
                return;
            }

            for (var next = first; next < rollouts.Length; next++)
            {
                members[chosen] = next;
                var again = next == first && chosen > 0 ? repeats + 1 : 1;
                Visit(chosen + 1, next, weight * problem.Trajectories[next].Probability * (chosen + 1) / again, again);
            }
        }

        void Add(double weight)
        {
            var group = new ScoredGroup(problem.Name, [.. members.Select(member => rollouts[member])]);
            var credit = estimator.Assign([group]).Groups[0].Rollouts;
            var gradient = StoppingProblem.NewGradient();
            for (var i = 0; i < groupSize; i++)
            {
                var actions = problem.Trajectories[members[i]].Actions;
                var share = 1.0 / groupSize / (meanOverTokens ? credit[i].Advantages.Length : 1);
                for (var depth = 0; depth < actions.Length; depth++)
                    problem.AddScore(gradient[depth], depth, actions[depth], share * credit[i].Advantages[depth]);
            }

            for (var depth = 0; depth < gradient.Length; depth++)
            {
                for (var a = 0; a < gradient[depth].Length; a++) expected[depth][a] += weight * gradient[depth][a];
            }

            squares += weight * Dot(gradient, gradient);
        }
    }

    private static double Dot(double[][] a, double[][] b)
    {
        double sum = 0;
        for (var row = 0; row < a.Length; row++)
        {
            for (var column = 0; column < a[row].Length; column++) sum += a[row][column] * b[row][column];
        }

        return sum;
    }

    private static double Cosine(double[][] a, double[][] b)
    {
        var norms = Math.Sqrt(Dot(a, a) * Dot(b, b));
        return norms == 0 ? 0 : Dot(a, b) / norms;
    }
}
