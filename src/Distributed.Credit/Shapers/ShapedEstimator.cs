namespace Distributed.Credit;

/// <summary>An estimator behind shapers, which are applied in their order to each group.</summary>
/// <param name="estimator">The estimator.</param>
/// <param name="shapers">The shapers; may be empty.</param>
public sealed class ShapedEstimator(IAdvantageEstimator estimator, IReadOnlyList<IRewardShaper> shapers) : IAdvantageEstimator
{
    /// <summary>The shapers' names and the estimator's, joined by " > ".</summary>
    public string Name { get; } = string.Join(" > ", shapers.Select(shaper => shaper.Name).Append(estimator.Name));

    /// <inheritdoc/>
    public BatchCredit Assign(IReadOnlyList<ScoredGroup> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var shaped = new ScoredGroup[batch.Count];
        for (var g = 0; g < shaped.Length; g++)
        {
            batch[g].Validate();
            shaped[g] = batch[g];
            foreach (var shaper in shapers) shaped[g] = shaper.Shape(shaped[g]);
        }

        return estimator.Assign(shaped);
    }
}
