using Distributed.Credit;
using Distributed.Ports;

namespace Distributed.Actors.Learning;

/// <summary>One optimizer update of a batch: rows, and the loss as the engine asks for it.</summary>
public sealed class MiniBatch : ISequenceLoss
{
    private readonly PolicyLoss _loss;

    /// <summary>An update over <paramref name="rows"/>; <paramref name="oldLogProbs"/>, <paramref name="isWeights"/>, <paramref name="kept"/> and <paramref name="reference"/> are per row, per target.</summary>
    public MiniBatch(
        LearningOptions options,
        IReadOnlyList<TrainRow> rows,
        IReadOnlyList<ReadOnlyMemory<float>> oldLogProbs,
        IReadOnlyList<ReadOnlyMemory<double>>? isWeights,
        IReadOnlyList<bool[]>? kept,
        IReadOnlyList<ReadOnlyMemory<float>>? reference,
        long batchTokens,
        long batchSequences)
    {
        Rows = rows;
        _loss = new PolicyLoss(
            options.Loss,
            [.. rows.Select((row, index) => LossSequence.FromTurns(oldLogProbs[index], row.TurnIds, row.Credit, isWeights?[index] ?? default, Widen(reference?[index] ?? default)))],
            batchTokens,
            batchSequences,
            // Other tokens are picked in every step, the same ones when a step is repeated.
            selectionSeed: rows.Count == 0 ? 0 : (ulong)rows[0].Trajectory.Slot.Group);
    }

    /// <summary>Its rows.</summary>
    public IReadOnlyList<TrainRow> Rows { get; }

    /// <summary>Clip fraction and the like, after the engine has evaluated every row.</summary>
    public LossStatistics Statistics => _loss.Statistics();

    /// <inheritdoc/>
    public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient) => _loss.Evaluate(sequence, logProbs, gradient);

    /// <summary>
    /// Deals a batch's rows out to <see cref="LearningOptions.MiniBatches"/> updates, contiguous and as even as can be; parts without rows are left out.
    /// A part's share of the batch's token and sequence counts, rejected ones left out, is that of its rows.
    /// </summary>
    public static IReadOnlyList<MiniBatch> Deal(
        LearningOptions options,
        AssignedBatch batch,
        IReadOnlyList<ReadOnlyMemory<float>> oldLogProbs,
        IReadOnlyList<ReadOnlyMemory<double>>? isWeights,
        Rejection? rejection = null,
        IReadOnlyList<ReadOnlyMemory<float>>? reference = null)
    {
        var parts = Math.Min(options.MiniBatches, batch.Rows.Count);
        var tokens = batch.BatchTokens - (rejection?.RejectedTokens ?? 0);
        var sequences = batch.BatchSequences - (rejection?.RejectedSequences ?? 0);
        var dealt = new List<MiniBatch>(parts);
        for (var part = 0; part < parts; part++)
        {
            var from = (int)((long)batch.Rows.Count * part / parts);
            var to = (int)((long)batch.Rows.Count * (part + 1) / parts);
            dealt.Add(new MiniBatch(
                options,
                [.. batch.Rows.Skip(from).Take(to - from)],
                [.. oldLogProbs.Skip(from).Take(to - from)],
                isWeights is null ? null : [.. isWeights.Skip(from).Take(to - from)],
                rejection is null ? null : [.. rejection.Kept.Skip(from).Take(to - from)],
                reference is null ? null : [.. reference.Skip(from).Take(to - from)],
                Math.Max(1, tokens * (to - from) / batch.Rows.Count),
                Math.Max(1, sequences * (to - from) / batch.Rows.Count)));
        }

        return dealt;
    }

    private static ReadOnlyMemory<double> Widen(ReadOnlyMemory<float> values)
    {
        var wide = new double[values.Length];
        for (var i = 0; i < wide.Length; i++) wide[i] = values.Span[i];
        return wide;
    }
}
