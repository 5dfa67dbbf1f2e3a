using Distributed.Simulation.Runs;

namespace Distributed.Simulation.Faults;

/// <summary>
/// Makes a failing plan smaller while the same promise stays broken: first halves of the faults are taken out, then single ones (delta debugging, Zeller and Hildebrandt
/// 2002), then what is left is made shorter and the cluster smaller.
/// </summary>
public sealed class PlanShrinker(Func<FaultPlan, SimulationOutcome> run, Action<string> progress)
{
    private string _invariant = "";

    /// <summary>Runs done so far.</summary>
    public int Runs { get; private set; }

    /// <summary>The smallest plan found, with its outcome; the plan itself with an outcome that passed if it does not fail at all.</summary>
    public SimulationOutcome Shrink(FaultPlan plan)
    {
        var best = run(plan);
        Runs = 1;
        if (best.Violation == null) return best;
        _invariant = best.Violation.Invariant;
        for (var size = Math.Max(1, best.Plan.Faults.Count / 2); size >= 1; size /= 2)
        {
            for (var from = 0; from < best.Plan.Faults.Count;)
            {
                var faults = best.Plan.Faults.Where((_, index) => index < from || index >= from + size).ToArray();
                if (Try(best.Plan with { Faults = faults }) is { } smaller) best = smaller;
                else from += size;
            }
        }

        foreach (var simpler in Simplifications(best.Plan))
            if (Try(simpler(best.Plan)) is { } smaller) best = smaller;
        return best;
    }

    private static IEnumerable<Func<FaultPlan, FaultPlan>> Simplifications(FaultPlan plan)
    {
        yield return p => p with { Order = "uniform" };
        yield return p => p with { Shape = p.Shape with { PartialRollout = false } };
        yield return p => p with { Shape = p.Shape with { ThreePolicies = false } };
        yield return p => p with { Shape = p.Shape with { EvaluationQuestions = 0 } };
        yield return p => p with { Shape = p.Shape with { MiniBatches = 1 } };
        for (var node = plan.Shape.RolloutNodes - 1; node >= 1; node--)
        {
            var nodes = node;
            yield return p => p with { Shape = p.Shape with { RolloutNodes = nodes } };
        }

        yield return p => p with { Shape = p.Shape with { Scorers = 1 } };
        for (var fault = 0; fault < plan.Faults.Count; fault++)
        {
            var index = fault;
            for (var halving = 0; halving < 3; halving++)
                yield return p => p with { Faults = [.. p.Faults.Select((f, i) => i == index ? f with { Seconds = Math.Round(f.Seconds / 2, 2) } : f)] };
        }
    }

    private SimulationOutcome? Try(FaultPlan plan)
    {
        Runs++;
        var outcome = run(plan);
        if (outcome.Violation?.Invariant != _invariant) return null;
        progress($"{plan.Faults.Count} faults, {plan.Shape.RolloutNodes + plan.Shape.Scorers} workers: still fails");
        return outcome;
    }
}
