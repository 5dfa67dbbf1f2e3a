namespace Distributed.Credit;

/// <summary>Turns scored groups into an advantage per turn. Pure and safe to use from several threads.</summary>
public interface IAdvantageEstimator
{
    /// <summary>The method's name in recipes and reports.</summary>
    string Name { get; }

    /// <summary>Credits a batch; a group's credit depends on the other groups only where the method says so.</summary>
    /// <param name="batch">Groups of rollouts of one prompt each.</param>
    /// <exception cref="CreditException">A group is malformed, an outcome is not finite, or an advantage overflowed.</exception>
    BatchCredit Assign(IReadOnlyList<ScoredGroup> batch);
}
