namespace Distributed.Node.Recipes;

/// <summary>AdamW with decoupled weight decay.</summary>
public sealed record OptimizerSection : IOptionSection
{
    /// <summary>Step size after warm-up.</summary>
    [Range(0, 10, AboveMin = true)]
    public double Lr { get; init; } = 3e-4;

    /// <summary>Updates over which the step size rises from 0.</summary>
    [Range(0, 1_000_000)]
    public int WarmupSteps { get; init; } = 5;

    /// <summary>Decay of the first and second moment.</summary>
    [Range(0, 1, BelowMax = true)]
    public IReadOnlyList<double> Betas { get; init; } = [0.9, 0.999];

    /// <summary>Added to the root of the second moment.</summary>
    [Range(0, 1, AboveMin = true)]
    public double Eps { get; init; } = 1e-8;

    /// <summary>Share of the step size by which every weight shrinks.</summary>
    [Range(0, 10)]
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Clip the global gradient norm to this; 0 does not clip.</summary>
    [Range(0, 1e9)]
    public double MaxGradNorm { get; init; } = 1;
}
