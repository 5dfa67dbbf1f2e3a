namespace Distributed.Engine.Training;

/// <summary>What a step's threads report, per sequence; summed afterwards in the order of the sequences.</summary>
internal sealed class StepRecord(int sequences)
{
    public ReadOnlyMemory<float>[] LogProbs { get; } = new ReadOnlyMemory<float>[sequences];

    public double[] Losses { get; } = new double[sequences];

    /// <summary>Sum over the sequence's targets.</summary>
    public double[] Entropies { get; } = new double[sequences];
}
