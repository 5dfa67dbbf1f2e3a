using System.Collections.Immutable;

namespace Distributed.Credit.Bias;

/// <summary>One way through a <see cref="StoppingProblem"/>.</summary>
/// <param name="Probability">How likely it is under the policy.</param>
/// <param name="Actions">The action taken at each depth where the policy had a choice: 0 answers, the others are tools.</param>
/// <param name="Gains">Gain of each tool turn.</param>
/// <param name="Outcome">Outcome reward.</param>
public sealed record StoppingTrajectory(double Probability, ImmutableArray<int> Actions, ImmutableArray<double> Gains, double Outcome)
{
    /// <summary>What the problem's value is the mean of.</summary>
    /// <param name="target">Outcome alone or with the gains.</param>
    public double Return(GradientTarget target) => target == GradientTarget.Outcome ? Outcome : Outcome + Gains.Sum();

    /// <summary>As an estimator sees it: its tool turns and a final turn, one token each.</summary>
    public ScoredRollout ToRollout() => new(Outcome, [.. Enumerable.Repeat(1, Gains.Length + 1)], Gains);
}

/// <summary>Whose gradient an estimator is measured against.</summary>
public enum GradientTarget
{
    /// <summary>E[outcome].</summary>
    Outcome,

    /// <summary>E[outcome + sum of gains]. Whether that is what one wants is a modelling choice: it rewards every look-up that raises the
    /// probability of the answer.</summary>
    OutcomeAndGains,
}
