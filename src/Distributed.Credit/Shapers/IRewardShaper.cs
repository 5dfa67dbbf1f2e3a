namespace Distributed.Credit;

/// <summary>Changes a group's rewards before an estimator sees them. Pure; shapers compose by being applied one after the other.</summary>
public interface IRewardShaper
{
    /// <summary>The shaper's name in recipes and reports.</summary>
    string Name { get; }

    /// <summary>The group with other gains and outcomes; turns, tokens and signals stay.</summary>
    /// <param name="group">A valid group.</param>
    ScoredGroup Shape(ScoredGroup group);
}

/// <summary>Where a shaper puts what it finds in single turns (option <c>into</c>).</summary>
public enum ShapedReward
{
    /// <summary><c>outcome</c>: summed into the outcome, so that every method sees it.</summary>
    Outcome,

    /// <summary><c>turns</c>: into the gain of each tool turn (and into the outcome for the final turn); only methods that use gains see
    /// it.</summary>
    Turns,
}
